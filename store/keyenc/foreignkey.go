package keyenc

import "encoding/binary"

// AppendSubscription appends the key of a foreign-key subscription as Kafka Streams
// has it, in changelogs and locally: the foreign key with its length in front, so
// that all subscriptions of one foreign key lie together, in the order of the
// primary keys.
func AppendSubscription(dst, foreign, primary []byte) []byte {
	return append(SubscriptionPrefix(dst, foreign), primary...)
}

// SubscriptionPrefix appends what all subscriptions of one foreign key begin with.
func SubscriptionPrefix(dst, foreign []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(foreign))), foreign...)
}

// SplitSubscription takes the key of a subscription apart. Both are parts of b.
func SplitSubscription(b []byte) (foreign, primary []byte, err error) {
	if len(b) < 4 {
		return nil, nil, ErrMalformed
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if b = b[4:]; n > uint64(len(b)) {
		return nil, nil, ErrMalformed
	}
	return b[:n:n], b[n:], nil
}

// PrefixEnd appends the lowest key above all that begin with prefix. It reports
// false if there is none, because the prefix is empty or all FF: the scan is open
// there.
func PrefixEnd(dst, prefix []byte) ([]byte, bool) {
	n := len(prefix)
	for n > 0 && prefix[n-1] == 0xff {
		n--
	}
	if n == 0 {
		return dst, false
	}
	dst = append(dst, prefix[:n]...)
	dst[len(dst)-1]++
	return dst, true
}
