package changelog_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
)

func ExampleLog() {
	spec := store.Spec{Name: "counts", Kind: store.KindKeyValue}
	e, _ := memstore.New().Engine(spec)
	log := changelog.Log(e, spec, func() int64 { return 1000 }, func(key, value []byte, ts int64) error {
		fmt.Printf("%s: %s=%s @%d\n", changelog.TopicName("app", spec.Name), key, value, ts)
		return nil
	})
	_ = log.Put([]byte("k"), []byte("v"))
	_ = log.Delete([]byte("k"))
	// Output:
	// app-counts-changelog: k=v @1000
	// app-counts-changelog: k= @1000
}

func ExampleDecoder() {
	decoder := changelog.NewDecoder(store.Spec{Name: "counts", Kind: store.KindKeyValue, Timestamped: true})
	m, err := decoder.Mutation([]byte("k"), []byte("v"), 1000)
	fmt.Printf("%s = %q, %v\n", m.Key, m.Value, err)
	// Output: k = "\x00\x00\x00\x00\x00\x00\x03\xe8v", <nil>
}

func ExampleTopicConfig() {
	config := changelog.TopicConfig(store.Spec{Name: "s", Kind: store.KindSession, Retention: 10 * time.Second})
	fmt.Println(config["cleanup.policy"], config["retention.ms"])
	// Output: compact,delete 86410000
}
