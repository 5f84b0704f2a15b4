// Package pebblestore keeps a task's state on disk, in one Pebble database. It is
// the only importer of Pebble.
//
// # Keys
//
// Stores are numbered by the order of their creation; number 0 is the DB's own:
//
//	u16 0  | 'f'          -> u32 version of this layout
//	u16 0  | 's' | store  -> u16 number | u8 kind | u8 timestamped | i64 segment ms
//	u16 0  | 'p' | topic  -> i64 offset to apply next
//	u16 id | key          -> value
//
// # Durability
//
// The write-ahead log is off. Every commit is one batch that holds data and
// position, so what a crash leaves is some earlier commit as a whole, never a part
// of one; the changelog fills in the rest. The tail that a crash may cost is
// bounded by [Options.MaxUnflushedBytes]; Flush and Close make it nil.
//
// # Failure
//
// Pebble retries a failing flush for ever and would hold up its writers meanwhile.
// So the first background error is kept, every later call returns it, and nothing
// waits without watching for it. Nothing on the disk changes any more, and Pebble is
// not told of failures that it takes for the end of the process. The task fails; the
// process lives.
//
// Damage is found by checksums, and by what opening compares: markers, sizes, sequence
// numbers. It leaves a file behind, so that the next start knows; the remedy is to set
// the directory aside and to restore. A stale copy of a whole directory is an older
// commit, and legal. What is not found is two tables of equal size that have taken
// each other's name.
//
// # Restoring
//
// [DB.Load] makes sorted tables from a changelog and adds them with their position in
// one step; compactions wait until it is done.
//
// # Memory
//
// One [Shared] bounds all DBs of a process: block cache, memtables, runs of loads.
// Commits wait where flushes or compactions do not keep up. [Shared.Metrics] tells.
package pebblestore
