package pebblestore_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// changes makes a part of a changelog: n records over so many keys, a tenth of them
// deletions. fold is what they make of a map.
func changes(rng *rand.Rand, n, keys, size int) []store.Mutation {
	muts := make([]store.Mutation, n)
	for i := range muts {
		muts[i].Key = fmt.Appendf(nil, "key %07d", rng.IntN(keys))
		if rng.IntN(10) > 0 {
			muts[i].Value = make([]byte, size)
			binary.BigEndian.PutUint64(muts[i].Value, rng.Uint64())
		}
	}
	return muts
}

func fold(state map[string]string, muts []store.Mutation) {
	for _, m := range muts {
		if m.Value == nil {
			delete(state, string(m.Key))
		} else {
			state[string(m.Key)] = string(m.Value)
		}
	}
}

func contents(t testing.TB, r store.Reader) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, r.Scan(nil, nil, false, func(k, v []byte) bool {
		out[string(k)] = string(v)
		return true
	}))
	return out
}

// A load ends in what the same mutations would by Apply, at the same position, and
// is durable without a flush.
func TestLoadEqualsApply(t *testing.T) {
	t.Parallel()
	shared := pebblestore.NewShared(8 << 20) // runs of 1 MiB or so
	defer shared.Close()
	fs := vfs.NewCrashableMem()
	db, e := open(t, "s", pebblestore.Options{FS: fs, Shared: shared})
	require.NoError(t, fill(db, e, 300)) // what was there before, in memory only
	want := contents(t, e)

	load, err := db.Load()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		muts := changes(rng, 500, 5000, 100)
		fold(want, muts)
		require.NoError(t, load.Add("plain", muts, store.Position{"log": int64(i)}))
	}
	require.Positive(t, shared.Metrics().LoadBytes)
	require.NoError(t, load.Close())
	require.NoError(t, load.Close(), "idempotent")
	require.Zero(t, shared.Metrics().LoadBytes)
	require.Equal(t, want, contents(t, e))

	after, e := open(t, "s", pebblestore.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	require.Equal(t, want, contents(t, e))
	require.Equal(t, store.Position{"log": 99, "t": 299}, after.Position())
	require.NoError(t, db.Close())
}

// After a crash in the middle of a load the DB stands at the end of a run, with just
// what was added up to there.
func TestLoadCrashesAtRuns(t *testing.T) {
	t.Parallel()
	shared := pebblestore.NewShared(4 << 20)
	defer shared.Close()
	fs := vfs.NewCrashableMem()
	db, _ := open(t, "s", pebblestore.Options{FS: fs, Shared: shared})
	load, err := db.Load()
	require.NoError(t, err)
	rng, now := rand.New(rand.NewPCG(3, 4)), map[string]string{}
	at := map[int64]map[string]string{0: {}}
	for i := range int64(40) {
		muts := changes(rng, 1000, 3000, 60)
		fold(now, muts)
		at[i+1] = maps.Clone(now)
		require.NoError(t, load.Add("plain", muts, store.Position{"log": i + 1}))
		after, e := open(t, "s", pebblestore.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(i%3) * 50, RNG: rng})})
		require.Equal(t, at[after.Position()["log"]], contents(t, e))
		require.Equal(t, after.Position(), db.Position())
		require.NoError(t, after.Close())
	}
	require.Positive(t, db.Position()["log"])
	require.NoError(t, db.Close(), "it drops the load")
	require.Error(t, load.Sync())
}

// Several stores share a load, and what is refused says why.
func TestLoadRules(t *testing.T) {
	t.Parallel()
	db, e := open(t, "s", pebblestore.Options{FS: vfs.NewMem()})
	other, err := db.Engine(store.Spec{Name: "other", Kind: store.KindKeyValue, Timestamped: true})
	require.NoError(t, err)
	put := []store.Mutation{{Key: []byte("k"), Value: []byte("1")}, {Key: []byte("k"), Value: []byte("2")}, {Key: []byte("gone"), Value: []byte{}}}

	require.NoError(t, e.Put([]byte("k"), nil))
	_, err = db.Load()
	require.ErrorContains(t, err, "commit or roll back")
	db.Rollback()
	load, err := db.Load()
	require.NoError(t, err)
	_, err = db.Load()
	require.ErrorContains(t, err, "being loaded")
	require.ErrorContains(t, db.Commit(nil), "being loaded")
	require.ErrorContains(t, db.Apply("plain", nil, nil), "being loaded")
	require.ErrorContains(t, load.Add("nobody", put, nil), "nobody")

	require.NoError(t, load.Add("other", put, store.Position{"o": 3}))
	require.NoError(t, load.Add("plain", put[:1], store.Position{"p": 1}))
	require.Empty(t, db.Position())
	require.NoError(t, load.Sync())
	require.Equal(t, store.Position{"o": 3, "p": 1}, db.Position())
	require.NoError(t, load.Sync(), "nothing to do")
	require.NoError(t, load.Add("plain", []store.Mutation{{Key: []byte("k")}}, store.Position{"p": 2}))
	require.NoError(t, load.Add("plain", nil, store.Position{"p": 9}), "a position alone")
	require.NoError(t, load.Close())
	require.Equal(t, map[string]string{"k": "2", "gone": ""}, contents(t, other))
	require.Empty(t, contents(t, e))
	require.EqualValues(t, 9, db.Position()["p"])
	require.NoError(t, fill(db, e, 200), "it is an ordinary DB again")
}

// What is read during a load is what was written last, and what is written then shows.
func TestReadsDuringALoad(t *testing.T) {
	t.Parallel()
	db, e := open(t, "s", pebblestore.Options{FS: vfs.NewMem()})
	load, err := db.Load()
	require.NoError(t, err)
	for i := range int64(3) {
		put := []store.Mutation{{Key: []byte("k"), Value: []byte{byte(i)}}}
		require.NoError(t, load.Add("plain", put, store.Position{"log": i + 1}))
		before, ok, err := e.Get([]byte("k"))
		require.NoError(t, err)
		require.Equal(t, i > 0, ok)
		if ok {
			require.Equal(t, []byte{byte(i - 1)}, before)
		}
		require.NoError(t, load.Sync())
		after, ok, err := e.Get([]byte("k"))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, []byte{byte(i)}, after)
	}
	require.NoError(t, load.Close())
}

// A failing disk ends a load with an error, and the DB stays where it was.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	for k := range 60 {
		disk := newFaults(k, errNoSpace)
		db, err := pebblestore.Open("s", pebblestore.Options{FS: disk.fs()})
		require.NoError(t, err)
		_, err = db.Engine(plain)
		require.NoError(t, err)
		disk.arm()
		load, err := db.Load()
		require.NoError(t, err)
		rng, now := rand.New(rand.NewPCG(5, uint64(k))), map[string]string{}
		at := []map[string]string{{}}
		for i := int64(1); err == nil && i <= 5; i++ {
			muts := changes(rng, 50, 100, 60)
			fold(now, muts)
			at = append(at, maps.Clone(now))
			if err = load.Add("plain", muts, store.Position{"log": i}); err == nil {
				err = load.Sync()
			}
		}
		_ = db.Close()
		after, e := open(t, "s", pebblestore.Options{FS: disk.after(k)})
		require.Equal(t, at[after.Position()["log"]], contents(t, e), "fault at call %d", k)
		require.NoError(t, after.Close())
	}
}
