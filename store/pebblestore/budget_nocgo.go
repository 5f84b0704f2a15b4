//go:build !cgo

package pebblestore

// countedShare, in quarters, is the part of the memory budget that is divided. In
// builds without cgo all of it is in Go's heap.
const countedShare = 3

const outsideHeap = false
