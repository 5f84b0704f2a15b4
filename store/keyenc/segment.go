package keyenc

import "bytes"

// Segment is the number of the segment that holds the time t: the count of whole
// intervals since the epoch, rounded down. The interval must be positive.
func Segment(t, interval int64) int64 {
	s := t / interval
	if t%interval < 0 {
		s--
	}
	return s
}

// SegmentPrefix appends the part of a local key that all keys of a segment share.
// It is the lowest bound of that segment.
func SegmentPrefix(dst []byte, segment int64) []byte { return AppendInt64(dst, segment) }

// KeyPrefix appends what the local keys of one key within one segment share.
func KeyPrefix(dst []byte, segment int64, key []byte) []byte {
	return AppendEscaped(SegmentPrefix(dst, segment), key)
}

// PrefixLen is how many bytes at the front of a local key, or of a bound of a scan,
// KeyPrefix has written; false if it holds no whole prefix.
func PrefixLen(b []byte) (n int, ok bool) {
	for n = 8; n < len(b); {
		i := bytes.IndexByte(b[n:], zero)
		if i < 0 || n+i+1 >= len(b) {
			return 0, false
		}
		n += i + 2
		if b[n-1] == terminator {
			return n, true
		}
	}
	return 0, false
}

// KeyPrefixEnd appends the lowest key above all that start with KeyPrefix.
func KeyPrefixEnd(dst []byte, segment int64, key []byte) []byte {
	dst = KeyPrefix(dst, segment, key)
	dst[len(dst)-1]++ // the terminator; its successor is no escape
	return dst
}
