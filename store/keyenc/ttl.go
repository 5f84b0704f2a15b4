package keyenc

// A store with a TTL has two rows an entry: the entry itself, under its key, and one
// in an index by time, which leads a sweep to what has expired. The first byte tells
// them apart, the index in front.
const (
	expiryMark = 0x00
	liveMark   = 0x01
	liveEnd    = 0x02

	expiryHead = 1 + 8
)

// AppendLive appends the local key of an entry in a store with a TTL.
func AppendLive(dst, key []byte) []byte { return append(append(dst, liveMark), key...) }

// LiveEnd is the lowest local key above all entries of a store with a TTL.
func LiveEnd() []byte { return []byte{liveEnd} }

// SplitLive is the plain key of an entry. It is a part of b.
func SplitLive(b []byte) (key []byte, err error) {
	if len(b) == 0 || b[0] != liveMark {
		return nil, ErrMalformed
	}
	return b[1:], nil
}

// AppendExpiry appends the index's key of an entry. The segment is that of the
// entry's time, so that an entry that is written often has a few rows there, not
// one for each write.
func AppendExpiry(dst []byte, segment int64, key []byte) []byte {
	return append(ExpiryPrefix(dst, segment), key...)
}

// ExpiryPrefix appends what all keys of a segment of the index begin with.
func ExpiryPrefix(dst []byte, segment int64) []byte {
	return AppendInt64(append(dst, expiryMark), segment)
}

// SplitExpiry takes a key of the index apart. The plain key is a part of b.
func SplitExpiry(b []byte) (segment int64, key []byte, err error) {
	if len(b) < expiryHead || !IsExpiry(b) {
		return 0, nil, ErrMalformed
	}
	return Int64(b[1:]), b[expiryHead:], nil
}

// IsExpiry tells the index from the entries.
func IsExpiry(b []byte) bool { return len(b) > 0 && b[0] == expiryMark }
