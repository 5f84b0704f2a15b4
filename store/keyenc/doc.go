// Package keyenc lays out keys: those of changelog records, which Kafka Streams
// must be able to read, and the local ones of the engines, which are ours.
//
// Local layouts are ordered bytewise as their parts are ordered one by one:
//
//	window    i64 segment | escaped key | i64 start | i32 seqnum
//	session   i64 segment | escaped key | i64 end   | i64 start
//	version   escaped key | i64 time, and in its index 00 00 | i64 time | key
//	with TTL  01 | key, and in its index 00 | i64 segment | key
//
// The segment comes first, so that expiry is one range deletion, and holds all
// keys of a span of event time. Integers have their sign bit flipped, so that
// negative ones sort first. Keys are escaped to be prefix-free, so that no key's
// windows lie between those of another.
//
// Changelog layouts put the key first and leave it as it is:
//
//	window    key | i64 start | i32 seqnum
//	session   key | i64 end   | i64 start
//
// Two layouts are the same in both places:
//
//	subscription   i32 length | foreign key | primary key
//	grace buffer   00 | i64 time | key | i32 seqnum
//
// All Append functions append to the caller's buffer and return it extended; all
// split functions return parts of what they were given. Nothing is kept.
package keyenc
