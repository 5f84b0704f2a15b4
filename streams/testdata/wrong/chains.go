// Package main has chains of operators whose types do not fit. It must not compile:
// the compiler refuses the lines that say so.
package main

import (
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

var (
	names  = streams.NewTopic("names", serde.String, serde.String)
	ages   = streams.NewTopic("ages", serde.String, serde.Int64)
	number = streams.NewTopic("numbers", serde.Int64, serde.String)
)

func main() {
	b := streams.NewBuilder()
	s, t := b.Stream(names), b.Table(names)

	s.To(names)
	s.To(ages)                                               // refused
	s.Filter(func(k string, v int64) bool { return v > 0 })  // refused
	s.MapValues(func(v string) int64 { return 0 }).To(names) // refused
	s.MapValues(func(v string) int64 { return 0 }).To(ages)
	s.SelectKey(func(k, v string) int64 { return 0 }).To(names)            // refused
	s.Merge(b.Stream(ages))                                                // refused
	s.JoinTable(b.Table(number), func(k, v, w string) string { return v }) // refused
	s.JoinTable(t, func(k, v string, w int64) string { return v })         // refused
	s.Join(b.Stream(ages), streams.Within(1), func(k, v string, n int64) string { return v })
	s.Join(b.Stream(ages), streams.Within(1), func(k, v string, n string) string { return v })                       // refused
	s.GroupByKey().Reduce(func(acc int64, v string) int64 { return acc })                                            // refused
	s.GroupByKey().Aggregate(func() int64 { return 0 }, func(k, v string, n int64) int64 { return n }, serde.String) // refused
	s.GroupByKey().Count().ToStream().To(names)                                                                      // refused
	s.GroupByKey().Count(streams.LatestOffset())                                                                     // refused
	s.Filter(func(k, v string) bool { return true }, streams.WithPartitions(3))                                      // refused
	t.Join(b.Table(number), func(k, v, w string) string { return v })                                                // refused
	t.ToStream(streams.InMemory())                                                                                   // refused
	b.Stream(names, streams.WithoutLogging())                                                                        // refused
	s.Process(func(*streams.Context[string, string]) streams.Processor[string, int64] { return nil })                // refused
	s.WithValueSerde(serde.Int64)                                                                                    // refused
	names.PartitionedBy(func(r streams.Record[string, int64], n int32) int32 { return 0 })                           // refused
}
