//go:build race

package pebblestore_test

// raced builds take several times the memory.
const raced = true
