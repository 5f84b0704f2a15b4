//go:build cgo

package pebblestore

// countedShare, in quarters, is the part of the memory budget that is divided. In
// builds with cgo Pebble has blocks and memtables from C's allocator, and glibc's
// takes almost as much again: blocks are freed by other threads than those that
// allocate, and what is free in one thread's arena serves no other. With
// MALLOC_ARENA_MAX=1, or without cgo, less memory lies idle.
const countedShare = 2

const outsideHeap = true
