package changelog_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
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
	muts, err := decoder.Mutations([]byte("k"), []byte("v"), 1000)
	fmt.Printf("%s = %q, %v\n", muts[0].Key, muts[0].Value, err)
	// Output: k = "\x00\x00\x00\x00\x00\x00\x03\xe8v", <nil>
}

func ExampleTopicConfig() {
	config := changelog.TopicConfig(store.Spec{Name: "s", Kind: store.KindSession, Retention: 10 * time.Second}, changelog.AdditionalRetention)
	fmt.Println(config["cleanup.policy"], config["retention.ms"])
	// Output: compact,delete 86410000
}

// The sides of a join log the headers of the record that is being processed.
func ExampleWrite() {
	spec := store.Spec{Name: "side", Kind: store.KindKeyValue, LogHeaders: true}
	e, _ := memstore.New().Engine(spec)
	context := changelog.Context{
		Now:     func() int64 { return 1000 },
		Headers: func() []record.Header { return []record.Header{{Key: "trace", Value: []byte("7")}} },
	}
	log := changelog.Write(e, spec, context, func(r *changelog.Record) error {
		fmt.Printf("%s=%s @%d %s\n", r.Key, r.Value, r.Time, r.Headers[0].Key)
		return nil
	})
	_ = log.Put([]byte("k"), []byte("v"))
	// Output: k=v @1000 trace
}

func ExampleRecord() {
	fmt.Println(changelog.Record{Key: []byte("k"), Time: 1000}.Value == nil, "is a deletion")
	// Output: true is a deletion
}

func ExampleContext() {
	c := changelog.Context{Now: func() int64 { return 1000 }}
	fmt.Println(c.Now())
	// Output: 1000
}
