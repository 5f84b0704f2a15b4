// Package streamstest runs a topology in a test, without a broker and without
// goroutines: what is sent has been processed when Send returns.
//
//	d := streamstest.New(t, b)
//	in := streamstest.Input(d, lines)
//	in.Send("k", "to be or not to be")
//	out := streamstest.Output(d, counts)
//	require.Equal(t, int64(2), streamstest.Latest(out)["to"])
//
// The driver runs all tasks of the topology, with stores in memory, changelogs
// and repartition topics. Topics have one partition unless [WithPartitions] says
// otherwise; keys are partitioned as Kafka does it. Time stands still until
// [Driver.Advance]. State is committed after each record; [Driver.Restart] and
// [Driver.Restore] show what a restart does to it.
//
// A fault of the topology ends the test; [InputTopic.Try] returns it instead. A
// Driver belongs to one goroutine.
package streamstest
