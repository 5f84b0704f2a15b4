package memstore_test

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

func ExampleDB() {
	db := memstore.New()
	defer db.Close()
	e, _ := db.Engine(store.Spec{Name: "s", Kind: store.KindKeyValue})
	_ = e.Put([]byte("k"), []byte("v"))
	fmt.Println(db.Commit(store.Position{"t": 1}), db.Position())
	// Output: <nil> map[t:1]
}
