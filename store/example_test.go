package store_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

func ExampleTimestampedKV() {
	db := memstore.New()
	e, _ := db.Engine(store.Spec{Name: "counts", Kind: store.KindKeyValue, Timestamped: true})
	counts := store.NewTimestampedKV[string, int64](e, text{}, long{})
	_ = counts.Put("b", 1, 100)
	_ = counts.Put("a", 2, 200)
	_ = db.Commit(store.Position{"app-counts-changelog": 2})
	for entry, err := range counts.All() {
		fmt.Println(entry.Key, entry.Value, entry.Time, err)
	}
	// Output:
	// a 2 200 <nil>
	// b 1 100 <nil>
}

func ExampleTimestampedEntry() {
	fmt.Println(store.TimestampedEntry[string, int64]{Key: "k", Value: 1, Time: 1000})
	// Output: {k 1 1000}
}

func ExampleKV() {
	e, _ := memstore.New().Engine(store.Spec{Name: "names", Kind: store.KindKeyValue})
	names := store.NewKV[string, string](e, text{}, text{})
	_ = names.Put("u-1", "Ada")
	name, ok, err := names.Get("u-1")
	fmt.Println(name, ok, err)
	// Output: Ada true <nil>
}

func ExampleEntry() {
	fmt.Println(store.Entry[string, int64]{Key: "k", Value: 1})
	// Output: {k 1}
}

func ExampleWindow() {
	spec := store.Spec{
		Name: "per-minute", Kind: store.KindWindow, Timestamped: true,
		WindowSize: time.Minute, Retention: 2 * time.Minute,
	}
	e, _ := memstore.New().Engine(spec)
	w, _ := store.NewWindow[string, int64](e, spec, text{}, long{})
	_ = w.Put("u-1", 0, 5, 59_000)
	_ = w.Put("u-1", 60_000, 1, 61_000)
	_ = w.Put("u-1", 120_000, 2, 121_000) // the first window has expired now
	for entry, err := range w.Fetch("u-1", 0, 120_000) {
		fmt.Println(entry.Key.Window, entry.Value, entry.Time, err)
	}
	// Output:
	// {60000 120000} 1 61000 <nil>
	// {120000 180000} 2 121000 <nil>
}

func ExampleWindowEntry() {
	fmt.Println(store.WindowEntry[string, int64]{Value: 1, Time: 1000}.Value)
	// Output: 1
}

func ExampleSession() {
	spec := store.Spec{Name: "visits", Kind: store.KindSession, Retention: time.Minute}
	e, _ := memstore.New().Engine(spec)
	s, _ := store.NewSession[string, int64](e, spec, text{}, long{})
	_ = s.Put("u-1", 1000, 5000, 3)
	for entry, err := range s.Find("u-1", 4000, 9000) {
		fmt.Println(entry.Key.Window, entry.Value, err)
	}
	// Output: {1000 5000} 3 <nil>
}

func ExampleSessionEntry() {
	fmt.Println(store.SessionEntry[string, int64]{Value: 1}.Value)
	// Output: 1
}

func ExampleDB() {
	var db store.DB = memstore.New()
	e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	_ = e.Put([]byte("k"), []byte("staged"))
	db.Rollback()
	_, ok, _ := e.Get([]byte("k"))
	fmt.Println(ok, db.Position())
	// Output: false map[]
}

func ExampleEngine() {
	e, _ := memstore.New().Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	for _, k := range []string{"b", "a", "c"} {
		_ = e.Put([]byte(k), nil)
	}
	_ = e.Scan([]byte("a"), []byte("c"), true, func(key, _ []byte) bool {
		fmt.Print(string(key), " ")
		return true
	})
	// Output: b a
}

func ExampleSpec() {
	err := store.Spec{Name: "w", Kind: store.KindWindow}.Validate()
	fmt.Println(err)
	fmt.Println(store.Spec{Retention: time.Hour}.SegmentInterval(), "ms")
	// Output:
	// store "w": a window store needs the size of its windows
	// 1800000 ms
}

func ExampleKind() {
	fmt.Println(store.KindKeyValue, store.KindWindow, store.KindSession)
	// Output: key-value window session
}

func ExamplePosition() {
	pos := store.Position{"app-counts-changelog": 42}
	fmt.Println(pos["app-counts-changelog"], "is the next offset to apply")
	// Output: 42 is the next offset to apply
}

func ExampleMutation() {
	db := memstore.New()
	e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	err := db.Apply("s", []store.Mutation{{Key: []byte("k"), Value: []byte("v")}}, store.Position{"t": 1})
	value, ok, _ := e.Get([]byte("k"))
	fmt.Println(string(value), ok, err)
	// Output: v true <nil>
}

func Example_errors() {
	db := memstore.New()
	_, _ = db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	_, err := db.Engine(store.Spec{Name: "s", Kind: store.KindSession})
	fmt.Println(errors.Is(err, store.ErrLayout))
	// Output: true
}
