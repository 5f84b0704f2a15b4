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
// waits without watching for it. The task fails; the process lives.
package pebblestore
