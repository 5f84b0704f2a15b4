// Package viewtest runs the typed views of all kinds of stores over an engine, and
// compares each with a model that is as plain as can be: a map, and the rules of
// Kafka Streams in so many words.
//
// A program is random writes, reads in both directions, commits, rollbacks,
// reopenings, and restores from the changelog that the writes made. It is told by
// its seed, which a failure prints.
package viewtest
