package pebblestore_test

import (
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// The state of a task survives its process.
func ExampleDB() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for range 2 {
		db, err := pebblestore.Open(dir, pebblestore.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
		value, ok, _ := e.Get([]byte("k"))
		fmt.Println(string(value), ok, db.Position())
		_ = e.Put([]byte("k"), []byte("v"))
		_ = db.Commit(store.Position{"t": 1})
		_ = db.Close()
	}
	// Output:
	//  false map[]
	// v true map[t:1]
}

// All DBs of a process share their caches.
func ExampleShared() {
	shared := pebblestore.NewShared(64 << 20)
	defer shared.Close()
	shared.Expect(200)
	fmt.Println(pebblestore.Options{Shared: shared}.Shared == shared)
	// Output: true
}

func ExampleOptions() {
	fmt.Println(pebblestore.Options{MaxUnflushedBytes: 1 << 20}.MaxUnflushedBytes)
	// Output: 1048576
}

// A store of a million records is restored in sorted runs.
func ExampleLoad() {
	db, err := pebblestore.Open("state/0_0", pebblestore.Options{FS: vfs.NewMem()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	load, err := db.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range int64(1000) {
		put := store.Mutation{Key: fmt.Appendf(nil, "key %d", i), Value: []byte("v")}
		if err := load.Add("s", []store.Mutation{put}, store.Position{"s-changelog": i + 1}); err != nil {
			fmt.Println(err)
			return
		}
	}
	err = load.Close()
	_, ok, _ := e.Get([]byte("key 999"))
	fmt.Println(err, ok, db.Position())
	// Output: <nil> true map[s-changelog:1000]
}

// What the process's state takes, for a metrics endpoint.
func ExampleMetrics() {
	shared := pebblestore.NewShared(64 << 20)
	defer shared.Close()
	db, err := pebblestore.Open("state/0_0", pebblestore.Options{FS: vfs.NewMem(), Shared: shared})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	m := shared.Metrics()
	fmt.Println(m.Budget>>20, len(m.DBs), m.Total.Tables)
	// Output: 64 1 0
}

// One DB's part of it; its levels and the caches have types of their own.
func ExampleDBMetrics() {
	var m pebblestore.DBMetrics
	m.Levels[6] = pebblestore.LevelMetrics{Tables: 3, Bytes: 6 << 20}
	fmt.Println(len(m.Levels), m.Levels[6].Tables, pebblestore.CacheMetrics{Hits: 1}.Hits)
	// Output: 7 3 1
}
