package changelog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/store/memstore"
)

// specOf is how each store of the tests is declared.
func specOf(name string) store.Spec {
	return map[string]store.Spec{
		"counts": {Name: "counts", Kind: store.KindKeyValue, Timestamped: true},
		"wcounts": {
			Name: "wcounts", Kind: store.KindWindow, Timestamped: true,
			WindowSize: 10 * time.Second, Retention: 15 * time.Second,
		},
		"sesscounts": {Name: "sesscounts", Kind: store.KindSession, Retention: 10 * time.Second},
		"joined": {
			Name: "joined", Kind: store.KindWindow, RetainDuplicates: true, LogHeaders: true,
			WindowSize: 10 * time.Second, Retention: 12 * time.Second,
		},
		"versions": {Name: "versions", Kind: store.KindVersioned, History: time.Minute},
		"lru":      {Name: "lru", Kind: store.KindLRU, MaxEntries: 1},
		"toplist":  {Name: "toplist", Kind: store.KindLRU, MaxEntries: 1, Timestamped: true},
		"list":     {Name: "list", Kind: store.KindList},
		"suppress": {Name: "suppress", Kind: store.KindBuffer},
		"grace":    {Name: "grace", Kind: store.KindGraceBuffer, Retention: time.Second},
	}[name]
}

func TestTopicConfigOverrides(t *testing.T) {
	t.Parallel()
	spec := specOf("wcounts")
	spec.LogConfig = map[string]string{"retention.ms": "1", "min.insync.replicas": "2"}
	require.Equal(t, map[string]string{
		"cleanup.policy": "compact,delete", "message.timestamp.type": "CreateTime",
		"retention.ms": "1", "min.insync.replicas": "2",
	}, changelog.TopicConfig(spec, changelog.AdditionalRetention))
	require.Len(t, spec.LogConfig, 2, "the declaration stays as it is")
}

// A timestamped record carries the value's time, whatever "now" is.
func TestTimestampedRecordsCarryTheValuesTime(t *testing.T) {
	t.Parallel()
	spec := specOf("counts")
	var ts []int64
	log := changelog.Log(engine(t, spec), spec, func() int64 { return 99 }, func(_, _ []byte, at int64) error {
		ts = append(ts, at)
		return nil
	})
	require.NoError(t, log.Put([]byte("k"), []byte("\x00\x00\x00\x00\x00\x00\x00\x05v")))
	require.NoError(t, log.Delete([]byte("k")))
	require.Equal(t, []int64{5, 99}, ts)
	require.ErrorContains(t, log.Put([]byte("k"), []byte("short")), `store "counts"`)
}

func engine(t *testing.T, spec store.Spec) store.Engine {
	t.Helper()
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	return e
}

// An empty value is no tombstone, also when the slice is nil.
func TestEmptyIsNotNull(t *testing.T) {
	t.Parallel()
	plain := store.Spec{Name: "p", Kind: store.KindKeyValue}
	for _, spec := range []store.Spec{plain, specOf("counts")} {
		var got []byte
		log := changelog.Log(engine(t, spec), spec, func() int64 { return 0 }, func(_, value []byte, _ int64) error {
			got = value
			return nil
		})
		var value []byte
		if spec.Timestamped {
			value = make([]byte, 8)
		}
		require.NoError(t, log.Put([]byte("k"), value))
		require.NotNil(t, got)
		require.Empty(t, got)
		muts, err := changelog.NewDecoder(spec).Mutations([]byte("k"), got, 0)
		require.NoError(t, err)
		require.Len(t, muts, 1)
		require.NotNil(t, muts[0].Value)
	}
}

// Expiry is not logged, reads pass through, and a store without a log stays itself.
func TestOnlyWritesAreLogged(t *testing.T) {
	t.Parallel()
	spec := specOf("sesscounts")
	e := engine(t, spec)
	records := 0
	log := changelog.Log(e, spec, func() int64 { return 0 }, func(_, _ []byte, _ int64) error { records++; return nil })
	key := keyenc.AppendSession(nil, 0, []byte("k"), 1, 2)
	require.NoError(t, log.Put(key, []byte("v")))
	value, ok, err := log.Get(key)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "v", string(value))
	require.NoError(t, log.DeleteRange(nil, []byte{0xff}))
	_, ok, err = log.Get(key)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, 1, records)

	spec.LoggingOff = true
	require.Same(t, e, changelog.Log(e, spec, nil, nil))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	window := specOf("wcounts")
	_, err := changelog.NewDecoder(window).Mutations([]byte("short"), nil, 0)
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	require.ErrorContains(t, err, `store "wcounts": a window changelog key of 5 bytes`)
	_, err = changelog.NewDecoder(specOf("sesscounts")).Mutations([]byte("short"), nil, 0)
	require.ErrorIs(t, err, keyenc.ErrMalformed)
	_, err = changelog.NewDecoder(specOf("counts")).Mutations(nil, nil, 0)
	require.ErrorIs(t, err, changelog.ErrNullKey)

	full := errors.New("buffer full")
	log := changelog.Log(engine(t, window), window, func() int64 { return 0 }, func(_, _ []byte, _ int64) error { return full })
	require.ErrorIs(t, log.Put(keyenc.AppendWindow(nil, 0, []byte("k"), 1, 0), make([]byte, 8)), full)
	require.ErrorIs(t, log.Delete(keyenc.AppendWindow(nil, 0, []byte("k"), 1, 0)), full)
	require.ErrorIs(t, log.Put([]byte("not a window"), make([]byte, 8)), keyenc.ErrMalformed)
	require.ErrorIs(t, log.Delete([]byte("not a window")), keyenc.ErrMalformed)
}

func TestLoggingAllocatesNothing(t *testing.T) {
	spec := specOf("wcounts")
	log := changelog.Log(engine(t, spec), spec, func() int64 { return 0 }, func(_, _ []byte, _ int64) error { return nil })
	key, value := keyenc.AppendWindow(nil, 0, []byte("k"), 1, 0), make([]byte, 16)
	require.NoError(t, log.Put(key, value))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = log.Put(key, value) }))
	decode := changelog.NewDecoder(spec)
	wire := keyenc.AppendLogWindow(nil, []byte("k"), 1, 0)
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = decode.Mutations(wire, value, 1) }))
}

// Whatever a topic holds, decoding ends in an answer.
func FuzzMutation(f *testing.F) {
	f.Add([]byte("key567890123"), []byte("v"), int64(1))
	f.Fuzz(func(t *testing.T, key, value []byte, ts int64) {
		for _, name := range []string{"counts", "wcounts", "sesscounts", "versions", "list", "suppress", "grace"} {
			muts, err := changelog.NewDecoder(specOf(name)).Mutations(key, value, ts)
			if err == nil && specOf(name).Kind != store.KindVersioned {
				require.Equal(t, value == nil, muts[0].Value == nil)
			}
		}
	})
}
