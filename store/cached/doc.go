// Package cached is the record cache: a typed write-back cache in front of a
// store. It holds decoded values, so that an aggregate that changes a thousand
// times between two commits is encoded, logged and sent once.
//
// A [Cache] belongs to one store of one task and to that task's goroutine. All
// caches of a process share a [Budget]. What is changed waits in the cache until
// [Cache.Flush], which comes first in a commit: it writes the store in the order
// of its keys, which is cheap, and the changelog and the update for those
// downstream in the order in which keys were last changed, which is Kafka
// Streams' order. The store below never sees what was overwritten in between.
//
// # Whose value it is
//
// A value may hold pointers, and an aggregator may change its argument in place.
// Hence a value is either held, which means that the cache has the only reference
// and the next aggregator call may have it, or it is kept as bytes. A value that
// is handed to anybody else, downstream or to a join, is released: the cache keeps
// its bytes, and the next aggregator call decodes a copy of its own. Old values
// are decoded from the bytes of the store below. Types that cannot alias, such as
// int64, pay for none of this: see [Aliases].
package cached
