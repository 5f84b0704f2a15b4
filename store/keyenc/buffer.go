package keyenc

import "encoding/binary"

// graceHead is a zero byte and the record's time, in front of a grace buffer's key.
const graceHead = 1 + 8

// AppendGrace appends the key of a record in the grace buffer of a stream-table
// join, as Kafka Streams has it, in changelogs and locally. Times before the epoch
// do not occur.
func AppendGrace(dst []byte, ts int64, key []byte, seq int32) []byte {
	dst = append(GracePrefix(dst, ts), key...)
	return binary.BigEndian.AppendUint32(dst, uint32(seq))
}

// GracePrefix appends what the keys of all records of one time begin with.
func GracePrefix(dst []byte, ts int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0), uint64(ts))
}

// SplitGrace takes a grace buffer's key apart. The plain key is a part of b.
func SplitGrace(b []byte) (ts int64, key []byte, seq int32, err error) {
	n := len(b) - 4
	if n < graceHead || b[0] != 0 {
		return 0, nil, 0, ErrMalformed
	}
	return int64(binary.BigEndian.Uint64(b[1:])), b[graceHead:n:n], int32(binary.BigEndian.Uint32(b[n:])), nil
}
