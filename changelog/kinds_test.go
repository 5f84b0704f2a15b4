package changelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// The configurations of section 1.3, those that no capture happens to have too.
func TestTopicConfigs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string]string{
		"counts": {"cleanup.policy": "compact"}, "list": {"cleanup.policy": "compact"},
		"lru": {"cleanup.policy": "compact"}, "suppress": {"cleanup.policy": "compact"},
		"grace":    {"cleanup.policy": "compact"},
		"wcounts":  {"cleanup.policy": "compact,delete", "retention.ms": "86415000"},
		"joined":   {"cleanup.policy": "delete", "retention.ms": "86412000"},
		"versions": {"cleanup.policy": "compact", "min.compaction.lag.ms": "86460000"},
	} {
		want["message.timestamp.type"] = "CreateTime"
		require.Equal(t, want, changelog.TopicConfig(specOf(name), changelog.AdditionalRetention), name)
	}
}

// line is one record without its key's layout.
type line struct {
	key, value string
	ts         int64
	null       bool
	headers    int
}

// written collects the records of what do does to a store.
func written(t *testing.T, spec store.Spec, do func(store.Engine)) (out []line) {
	t.Helper()
	context := changelog.Context{
		Now: func() int64 { return 50 }, Wall: func() int64 { return 99 },
		Headers: func() []record.Header { return []record.Header{{Key: "h"}, {Key: "i"}} },
	}
	do(changelog.Write(engine(t, spec), spec, context, func(r *changelog.Record) error {
		out = append(out, line{string(r.Key), string(r.Value), r.Time, r.Value == nil, len(r.Headers)})
		return nil
	}))
	return out
}

// A version has its own time, a late one is logged too, and what is forgotten is not.
func TestVersionsAreLogged(t *testing.T) {
	t.Parallel()
	spec := specOf("versions")
	got := written(t, spec, func(e store.Engine) {
		v, err := store.NewVersioned(e, spec, serde.String, serde.String)
		require.NoError(t, err)
		for i, ts := range []int64{100_000, 100_000, 1000, 300_000, 500_000} {
			_, err = v.Put("k", string(rune('a'+i)), ts)
			require.NoError(t, err)
		}
		_, err = v.PutNull("k", 500_001)
		require.NoError(t, err)
	})
	require.Equal(t, []line{
		{"k", "a", 100_000, false, 0}, {"k", "b", 100_000, false, 0}, {"k", "c", 1000, false, 0},
		{"k", "d", 300_000, false, 0}, {"k", "e", 500_000, false, 0}, {"k", "", 500_001, true, 0},
	}, got)
}

// A version that Kafka Streams logged but left out is left out again.
func TestLateVersionsAreNotRestored(t *testing.T) {
	t.Parallel()
	decoder := changelog.NewDecoder(specOf("versions"))
	for ts, want := range map[int64]int{100_000: 2} {
		muts, err := decoder.Mutations([]byte("k"), []byte("v"), ts)
		require.NoError(t, err)
		require.Len(t, muts, want)
	}
	muts, err := decoder.Mutations([]byte("new"), []byte("v"), 39_999)
	require.NoError(t, err)
	require.Empty(t, muts)
	muts, err = decoder.Mutations([]byte("new"), nil, 40_000)
	require.NoError(t, err)
	require.Len(t, muts, 2)
}

// A plain store logs what it evicts, before the put; a timestamped one does not.
func TestEvictionsAreLogged(t *testing.T) {
	t.Parallel()
	fill := func(spec store.Spec) []line {
		return written(t, spec, func(e store.Engine) {
			bounded, err := store.NewLRU(e, spec)
			require.NoError(t, err)
			for _, k := range []string{"a", "b"} {
				require.NoError(t, bounded.Put([]byte(k), []byte("01234567"+k)))
			}
			_, ok, err := bounded.Get([]byte("a"))
			require.NoError(t, err)
			require.False(t, ok)
			require.NoError(t, bounded.Delete([]byte("b")))
		})
	}
	require.Equal(t, []line{
		{"a", "01234567a", 50, false, 0}, {"a", "", 50, true, 0}, {"b", "01234567b", 50, false, 0}, {"b", "", 50, true, 0},
	}, fill(specOf("lru")))
	timed := fill(specOf("toplist"))
	require.Len(t, timed, 3)
	require.Equal(t, "b", timed[1].key)
	require.Equal(t, line{"b", "", 50, true, 0}, timed[2])
}

// Join sides copy headers; buffers go by the wall clock, and suppress tells its version.
func TestHeadersAndClocks(t *testing.T) {
	t.Parallel()
	joined := specOf("joined")
	got := written(t, joined, func(e store.Engine) {
		w, err := store.NewWindow(e, joined, serde.String, serde.String)
		require.NoError(t, err)
		require.NoError(t, w.Put("k", 7, "v", 7))
		require.NoError(t, w.Delete("k", 7))
	})
	require.Equal(t, []line{
		{"k\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x01", "v", 50, false, 2},
		{"k\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x02", "", 50, true, 2},
	}, got)

	suppress := specOf("suppress")
	got = written(t, suppress, func(e store.Engine) {
		b, err := store.NewBuffer(e, suppress, serde.String, serde.String)
		require.NoError(t, err)
		require.NoError(t, b.Put(store.Buffered[string, string]{Key: "k", New: record.Some("v"), Time: 7}))
		require.NoError(t, b.Flush())
		require.NoError(t, b.Evict(func() bool { return true }, func(store.Buffered[string, string]) error { return nil }))
		require.NoError(t, b.Flush())
	})
	require.Len(t, got, 2)
	require.Equal(t, []any{int64(99), 1, false}, []any{got[0].ts, got[0].headers, got[0].null})
	require.Equal(t, line{"k", "", 99, true, 0}, got[1])

	grace := specOf("grace")
	got = written(t, grace, func(e store.Engine) {
		b, err := store.NewGraceBuffer(e, grace, serde.String, serde.String)
		require.NoError(t, err)
		_, err = b.Put(store.Delayed[string, string]{Key: "k", Value: "v", Context: format.Context{Time: 7}})
		require.NoError(t, err)
	})
	require.Len(t, got, 1)
	require.Equal(t, []any{int64(99), 0}, []any{got[0].ts, got[0].headers})
}

// The rows of older suppress buffers are restored into those of today.
func TestOldSuppressRowsAreRestored(t *testing.T) {
	t.Parallel()
	spec := specOf("suppress")
	db := memstore.New()
	e, err := db.Engine(spec)
	require.NoError(t, err)
	decoder := changelog.NewDecoder(spec)
	old := []byte("\x00\x00\x00\x00\x00\x00\x00\x07\xff\xff\xff\xff\x00\x00\x00\x01v") // version 0: time, old, new
	muts, err := decoder.Mutations([]byte("zero"), old, 5)
	require.NoError(t, err)
	require.NoError(t, db.Apply(spec.Name, muts, nil))
	three := format.AppendBufferRow(nil, format.BufferRow{New: []byte("w"), Time: 8})
	for _, headers := range [][]record.Header{{{Key: "v", Value: []byte{3}}}, nil} { // or lost on the way
		muts, err = decoder.Mutations([]byte("three"), three, 5, headers...)
		require.NoError(t, err)
		require.NoError(t, db.Apply(spec.Name, muts, nil))
	}
	_, err = decoder.Mutations([]byte("k"), []byte("nonsense"), 5)
	require.ErrorIs(t, err, format.ErrMalformed)
	require.ErrorContains(t, err, `store "suppress"`)

	b, err := store.NewBuffer(e, spec, serde.String, serde.String)
	require.NoError(t, err)
	var got []string
	require.NoError(t, b.Evict(func() bool { return true }, func(r store.Buffered[string, string]) error {
		got = append(got, r.Key+"="+r.New.V)
		return nil
	}))
	require.Equal(t, []string{"zero=v", "three=w"}, got)
}
