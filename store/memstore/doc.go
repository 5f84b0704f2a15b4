// Package memstore keeps a task's state in memory: for the test driver, and for
// tests. It does what a [store.DB] must, in the same order of keys as on disk, and
// nothing survives the process.
//
// A staged write goes right into the ordered list, and what it replaced into an
// undo log. So reads and scans see staged writes without merging anything, a
// commit forgets the log, and a rollback plays it backwards.
package memstore
