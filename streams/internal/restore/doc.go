// Package restore brings a task's stores up to the end of their changelogs
// before the task processes its first record.
//
// It reads from the position that the store itself keeps, so that after a clean
// stop nothing is read at all, and applies records and position together. It
// has a client of its own for each task and never runs in a group callback:
// tasks that are ready go on processing meanwhile.
package restore
