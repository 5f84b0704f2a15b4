// Package streams is stateful stream processing on Apache Kafka, in the manner
// of Kafka Streams: a typed topology, local state with changelog topics, and
// Kafka's own groups as the distributed engine.
//
// A program declares topics and a topology, and runs it. This one counts words:
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"strings"
//
//		"github.com/millrace/millrace/streams"
//		"github.com/millrace/millrace/streams/serde"
//	)
//
//	func main() {
//		lines := streams.NewTopic("lines", serde.String, serde.String)
//		counts := streams.NewTopic("counts", serde.String, serde.Int64)
//
//		b := streams.NewBuilder()
//		b.Stream(lines).
//			FlatMapValues(strings.Fields).
//			GroupBy(func(_, word string) string { return word }, serde.String).
//			Count(streams.As("word-counts")).
//			ToStream().
//			To(counts)
//
//		app, err := streams.New(b, streams.Config{
//			ApplicationID: "wordcount",
//			Brokers:       []string{"localhost:9092"},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		if err := app.Run(context.Background()); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # Topologies
//
// A [Builder] begins streams and tables from topics. A [Stream] is a sequence of
// independent records, a [Table] the last value of each key. [Stream.GroupBy]
// leads to aggregations: by key ([Grouped]), by windows of time
// ([WindowedGroup]) or by sessions ([SessionGroup]). Where a key changed, the
// records go through a repartition topic, so that one task sees all records of
// a key.
//
// User functions get the key first, a mapping of values gets the value alone, a
// reducer the accumulated value and then the next. They run on the worker that
// owns the record's partition, several of them at once for several partitions.
//
// # Mistakes
//
// Declarations return no errors. What is wrong with them is kept with the file
// and line of the call, and [Builder.Build] and New report all of it at once.
//
// # Names
//
// Operators, stores and internal topics have the names that Kafka Streams gives
// them in the same topology, so that an application may move from one to the
// other; [Topology.Describe] prints what Kafka Streams prints. Generated names
// are numbered in the order of declaration: give stores and groupings names of
// their own ([As]) before you change a topology that has state.
//
// # Time
//
// A record has the event time of the record that it was made of; operators keep it
// unless they say otherwise. Joins take the later time of the two, aggregates the
// latest of what went in. Windows, and what is late for them, go by event time alone:
// it moves with the records of a partition, and not with the clock. [Topic.TimedBy]
// takes the time from elsewhere.
//
// # Null
//
// A null value is a deletion in a table. When a table becomes a stream, a
// deletion is a record with [Record].Null set: filters, mappings of values and
// merges let it pass without asking your function, To writes it as null, and
// operators that need the value leave it out and count it. Types that have a
// null of their own (pointers, see serde.Nullable) show it to your functions.
package streams
