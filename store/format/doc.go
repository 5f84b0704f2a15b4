// Package format lays out values that Kafka Streams puts into topics and stores
// and that no serde of a user knows: the changes of a repartitioned table, the
// messages of a foreign-key join, the rows of suppress and grace buffers, the keys
// and values of an outer join's shared store, values with times and headers.
//
// All of it is Kafka Streams' own, byte for byte, so that a JVM application of the
// same id can take over. Integers are big-endian; "bytes32" is an int32 length and
// so many bytes, -1 for null.
//
// Append functions append to the caller's buffer and return it extended. Parse
// functions return parts of what they were given: copy them to keep them. Bytes
// that are not of the format end in an error that wraps [ErrMalformed].
package format
