// Package changelog turns the changes of a store into Kafka records and back, in
// the formats of Kafka Streams, so that a JVM application of the same id can take
// the state over, and give it back.
//
//	store           key                                value       record time
//	key-value, LRU  key                                value       now
//	  timestamped   key                                value only  the value's
//	window          key | i64 start | i32 seqnum       value       now
//	  timestamped   key | i64 start | i32 seqnum       value only  the value's
//	session         key | i64 end | i64 start          value       now
//	versioned       key                                value       the version's
//	list            key                                whole list  now
//	suppress        key                                row         wall clock
//	grace buffer    00 | i64 time | key | i32 seqnum   row         wall clock
//
// "now" is the time of the record being processed. A deletion is a null value at
// that time. Locally keys have the layout of package keyenc, and timestamped
// values their time in front; [Log] translates one way, a [Decoder] the other.
//
// The package is passive: it has no client and no clock.
package changelog
