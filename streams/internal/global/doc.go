// Package global keeps the global stores of a process: it reads all partitions of
// their topics to the end before any task runs, and keeps up with them afterwards.
//
// A [Keeper] starts no goroutine: [Open] fills the stores while its caller waits, [Run]
// is for the one goroutine that keeps them up to date. Records go through the typed
// operators of the topology, at the start and later alike, so that it makes no
// difference to a bad record, or to a processor of the user's own, when it is met.
// What a batch changes is committed with the offsets behind it in one atomic write;
// after a restart only the rest of the topic is read.
//
// Tasks read what is committed, each through an engine of its own; see [Keeper.Engine].
package global
