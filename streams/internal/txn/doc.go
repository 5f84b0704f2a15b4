// Package txn is the commit protocol: what happens, in which order, so that a
// crash between any two steps loses nothing.
//
// At-least-once, in order:
//
//	flush    caches write their last changes: stores, changelog, outputs
//	send     every record the tasks emitted is acknowledged by the broker
//	offsets  the source offsets are committed in the group
//	state    staged writes reach the local stores, with their changelog position
//	purge    repartition records that were processed are deleted
//
// A crash before "offsets" processes the records again: outputs and counts may
// repeat, nothing is missing. A crash after it finds the changelog complete, so
// restoring brings back what "state" had not written yet.
package txn
