// Package wire is what members of a group tell each other, byte for byte as Kafka
// Streams 4.3.1 does it: what a member has (Subscription) and what it gets
// (Assignment), in all versions from 1 to 11, and the consumer protocol's envelope
// around them.
//
// What others sent is not trusted: sizes and counts are checked before anything is
// allocated for them.
package wire
