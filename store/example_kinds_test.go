package store_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
)

func ExampleVersioned() {
	spec := store.Spec{Name: "prices", Kind: store.KindVersioned, History: time.Minute}
	e, _ := memstore.New().Engine(spec)
	prices, _ := store.NewVersioned(e, spec, text{}, long{})
	_, _ = prices.Put("tea", 3, 1000)
	_, _ = prices.Put("tea", 4, 5000)
	validTo, err := prices.Put("tea", 2, 500) // out of order
	fmt.Println(validTo, err)
	old, ok, err := prices.GetAsOf("tea", 4999)
	fmt.Println(old.Value, old.From, old.To, ok, err)
	// Output:
	// 1000 <nil>
	// 3 1000 5000 true <nil>
}

func ExampleReadOnlyVersioned() {
	spec := store.Spec{Name: "prices", Kind: store.KindVersioned}
	e, _ := memstore.New().Engine(spec)
	prices, _ := store.NewReadOnlyVersioned(e, spec, text{}, long{})
	_, ok, err := prices.Get("tea")
	fmt.Println(ok, err)
	// Output: false <nil>
}

func ExampleVersion() {
	fmt.Println(store.Version[int64]{Value: 3, From: 1000, To: store.ValidToUndefined})
	// Output: {3 1000 -1}
}

func ExampleVersionEntry() {
	fmt.Println(store.VersionEntry[string, int64]{Key: "tea"}.Key)
	// Output: tea
}

func ExampleNewLRU() {
	spec := store.Spec{Name: "recent", Kind: store.KindLRU, MaxEntries: 2}
	e, _ := memstore.New().Engine(spec)
	bounded, _ := store.NewLRU(e, spec)
	recent := store.NewKV(bounded, text{}, long{})
	for i, k := range []string{"a", "b", "c"} {
		_ = recent.Put(k, int64(i))
	}
	for entry, err := range recent.All() {
		fmt.Println(entry.Key, entry.Value, err)
	}
	// Output:
	// b 1 <nil>
	// c 2 <nil>
}

func ExampleList() {
	spec := store.Spec{Name: "unmatched", Kind: store.KindList}
	e, _ := memstore.New().Engine(spec)
	unmatched, _ := store.NewList(e, spec, format.JoinKeys(text{}), text{})
	key := format.JoinKey[string]{Time: 1000, Left: true, Key: "k"}
	_ = unmatched.Add(key, "L1")
	_ = unmatched.Add(key, "L2")
	for v, err := range unmatched.Get(key) {
		fmt.Println(v, err)
	}
	// Output:
	// L1 <nil>
	// L2 <nil>
}

func ExampleBuffer() {
	spec := store.Spec{Name: "held", Kind: store.KindBuffer}
	e, _ := memstore.New().Engine(spec)
	held, _ := store.NewBuffer(e, spec, text{}, long{})
	_ = held.Put(store.Buffered[string, int64]{Key: "late", New: record.Some[int64](1), Time: 2000})
	_ = held.Put(store.Buffered[string, int64]{Key: "early", New: record.Some[int64](2), Time: 1000})
	closed := func() bool { oldest, err := held.MinTime(); return err == nil && oldest <= 1500 }
	err := held.Evict(closed, func(b store.Buffered[string, int64]) error {
		fmt.Println(b.Key, b.New.V, b.Time)
		return nil
	})
	fmt.Println(err, held.Flush())
	// Output:
	// early 2 1000
	// <nil> <nil>
}

func ExampleBuffered() {
	fmt.Println(store.Buffered[string, int64]{Key: "k", Time: 5}.Time)
	// Output: 5
}

func ExampleGraceBuffer() {
	spec := store.Spec{Name: "join-Buffer", Kind: store.KindGraceBuffer, Retention: time.Second}
	e, _ := memstore.New().Engine(spec)
	waiting, _ := store.NewGraceBuffer(e, spec, text{}, text{})
	for _, ts := range []int64{0, 1000} {
		_, _ = waiting.Put(store.Delayed[string, string]{Key: "k", Value: "v", Context: format.Context{Time: ts}})
	}
	err := waiting.Release(func(d store.Delayed[string, string]) error {
		fmt.Println(d.Key, d.Value, d.Context.Time)
		return nil
	})
	fmt.Println(err)
	// Output:
	// k v 0
	// <nil>
}

func ExampleDelayed() {
	fmt.Println(store.Delayed[string, int64]{Key: "k"}.Key)
	// Output: k
}

func ExampleSpan() {
	e, _ := memstore.New().Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	kv := store.NewKV(e, text{}, long{})
	for i, k := range []string{"a", "b", "c"} {
		_ = kv.Put(k, int64(i))
	}
	for entry := range kv.Select(store.AtLeast("b"), true) {
		fmt.Println(entry.Key, entry.Value)
	}
	// Output:
	// c 2
	// b 1
}

// Any goroutine reads a snapshot, with a view of its own.
func ExampleSnapshotter() {
	var db store.DB = memstore.New()
	e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	_ = store.NewKV(e, text{}, long{}).Put("k", 7)
	_ = db.Commit(store.Position{"t": 1})
	if s, ok := db.(store.Snapshotter); ok {
		snapshot, _ := s.Snapshot()
		defer snapshot.Close()
		r, _ := snapshot.Reader("s")
		v, ok, err := store.NewReadOnlyKV(r, text{}, long{}).Get("k")
		fmt.Println(v, ok, err, snapshot.Position())
	}
	// Output: 7 true <nil> map[t:1]
}

func ExampleReadOnlyKV() {
	e, _ := memstore.New().Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	_, ok, err := store.NewReadOnlyKV(e, text{}, long{}).Get("k")
	fmt.Println(ok, err)
	// Output: false <nil>
}

func ExampleReadOnlyTimestampedKV() {
	e, _ := memstore.New().Engine(store.Spec{Name: "s", Kind: store.KindKeyValue, Timestamped: true})
	_ = store.NewTimestampedKV(e, text{}, long{}).Put("k", 7, 1000)
	v, ts, ok, err := store.NewReadOnlyTimestampedKV(e, text{}, long{}).Get("k")
	fmt.Println(v, ts, ok, err)
	// Output: 7 1000 true <nil>
}

func ExampleReadOnlyWindow() {
	e, _ := memstore.New().Engine(windowSpec)
	w, _ := store.NewReadOnlyWindow(e, windowSpec, text{}, long{})
	_, ok, err := w.StreamTime()
	fmt.Println(ok, err)
	// Output: false <nil>
}

func ExampleReadOnlySession() {
	e, _ := memstore.New().Engine(sessionSpec)
	s, _ := store.NewReadOnlySession(e, sessionSpec, text{}, long{})
	_, ok, err := s.Get("k", 0, 5)
	fmt.Println(ok, err)
	// Output: false <nil>
}

func ExampleTTL() {
	spec := store.Spec{Name: "seen", Kind: store.KindKeyValue, Timestamped: true, TTL: time.Minute}
	e, _ := memstore.New().Engine(spec)
	ttl, _ := store.NewTTL(e, spec)
	seen := store.NewTimestampedKV(ttl, text{}, long{})
	_ = seen.Put("order 1", 1, 0)
	_ = seen.Put("order 2", 1, 50_000)
	_, _ = ttl.Sweep(70_000, 100, func(key, _ []byte) (keep bool, err error) {
		fmt.Printf("%s expires\n", key)
		return false, nil
	})
	_, _, there, _ := seen.Get("order 2")
	fmt.Println(there)
	// Output:
	// order 1 expires
	// true
}

// A record cache in front of the store knows a later value: the entry is kept.
func ExampleExpire() {
	spec := store.Spec{Name: "rows", Kind: store.KindKeyValue, Timestamped: true, TTL: time.Minute}
	e, _ := memstore.New().Engine(spec)
	ttl, _ := store.NewTTL(e, spec)
	rows := store.NewTimestampedKV(ttl, text{}, long{})
	_ = rows.Put("a", 1, 0)
	_ = rows.Put("b", 2, 0)
	written := map[string]bool{"b": true} // and not flushed yet
	var ask store.Expire = func(key, _ []byte) (keep bool, err error) { return written[string(key)], nil }
	more, err := ttl.Sweep(time.Hour.Milliseconds(), 100, ask)
	for row := range rows.All() {
		fmt.Println(row.Key, "is left")
	}
	fmt.Println(more, err)
	// Output:
	// b is left
	// false <nil>
}

// Where a DB has a fast way to be restored, it is taken.
func ExampleLoader() {
	var db store.DB = memstore.New()
	_, _ = db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	muts := []store.Mutation{{Key: []byte("k"), Value: []byte("v")}}
	if bulk, ok := db.(store.BulkLoader); ok {
		load, _ := bulk.Load()
		_ = load.Add("s", muts, store.Position{"s-changelog": 1})
		_ = load.Close()
	} else {
		_ = db.Apply("s", muts, store.Position{"s-changelog": 1})
	}
	fmt.Println(db.Position())
	// Output: map[s-changelog:1]
}
