package cached_test

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/serde"
)

// printer is an operator that shows what is sent on.
type printer struct{}

func (printer) Enter(*cached.Context) {}
func (printer) Forward(u *cached.Update[string, int64]) error {
	fmt.Printf("%s: %d, offset %d\n", u.Key, u.New, u.Context.Offset)
	return nil
}

func ExampleCache() {
	spec := store.Spec{Name: "counts", Kind: store.KindKeyValue, Timestamped: true}
	engine, _ := memstore.New().Engine(spec)
	counts, _ := cached.NewTable(engine, spec, cached.Options[string, int64]{
		Keys: serde.String, Values: serde.Int64, Budget: cached.NewBudget(10 << 20),
	})
	counts.Own(printer{}, false)
	for offset, key := range []string{"a", "b", "a", "a"} {
		entry, _ := counts.Load(key, serde.Window{})
		n, _, _, _ := counts.Take(entry)
		_ = counts.Put(entry, n+1, 0, &cached.Context{Offset: int64(offset)})
	}
	_ = counts.Flush()
	// Output:
	// b: 1, offset 1
	// a: 3, offset 3
}

func ExampleBudget() {
	budget := cached.NewBudget(10 << 20) // for all caches of a process
	fmt.Println(budget.Limit(), budget.Used())
	// Output: 10485760 0
}

func ExampleAliases() {
	type point struct{ X, Y int }
	fmt.Println(cached.Aliases[point](), cached.Aliases[[]point]())
	// Output: false true
}
