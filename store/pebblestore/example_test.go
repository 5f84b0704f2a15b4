package pebblestore_test

import (
	"fmt"
	"os"

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
