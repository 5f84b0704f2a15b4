package keyenc

import "encoding/binary"

// AppendLogWindow appends a window key as Kafka Streams' changelogs have it.
func AppendLogWindow(dst, key []byte, start int64, seq int32) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, key...), uint64(start))
	return binary.BigEndian.AppendUint32(dst, uint32(seq))
}

// SplitLogWindow takes a changelog's window key apart. The key is a part of b.
func SplitLogWindow(b []byte) (key []byte, start int64, seq int32, err error) {
	n := len(b) - windowSuffix
	if n < 0 {
		return nil, 0, 0, ErrMalformed
	}
	return b[:n:n], int64(binary.BigEndian.Uint64(b[n:])), int32(binary.BigEndian.Uint32(b[n+8:])), nil
}

// AppendLogSession appends a session key as Kafka Streams' changelogs have it,
// the end before the start.
func AppendLogSession(dst, key []byte, start, end int64) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, key...), uint64(end))
	return binary.BigEndian.AppendUint64(dst, uint64(start))
}

// SplitLogSession takes a changelog's session key apart. The key is a part of b.
func SplitLogSession(b []byte) (key []byte, start, end int64, err error) {
	n := len(b) - sessionSuffix
	if n < 0 {
		return nil, 0, 0, ErrMalformed
	}
	return b[:n:n], int64(binary.BigEndian.Uint64(b[n+8:])), int64(binary.BigEndian.Uint64(b[n:])), nil
}
