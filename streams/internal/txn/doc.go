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
//
// Exactly-once, in order; all records and offsets are in one transaction:
//
//	flush, send   as above
//	register      the group's offsets become a part of the transaction
//	offsets       the source offsets are sent, in the member's name
//	end           the transaction is committed: now all of it is true
//	state, purge  as above
//
// A crash before "end" leaves an open transaction, which the next producer of the
// same name aborts: nothing has happened. A crash after it finds all of it in Kafka.
// An error in between leaves it to the broker to say what happened: a new producer
// has the coordinator finish the transaction either way, and the tasks start again
// from what the group and the changelogs then say. Nothing of a transaction is in a
// local store before its end is known, so no store is ever wiped.
package txn
