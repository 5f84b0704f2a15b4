package keyenc

import "encoding/binary"

const (
	windowSuffix  = 8 + 4 // start, seqnum
	sessionSuffix = 8 + 8 // end, start
)

// AppendWindow appends the local key of the window of key that starts at start,
// in ms. seq is 0 but in stores that keep duplicates.
func AppendWindow(dst []byte, segment int64, key []byte, start int64, seq int32) []byte {
	dst = AppendInt64(KeyPrefix(dst, segment, key), start)
	return binary.BigEndian.AppendUint32(dst, uint32(seq))
}

// Window is a local window key taken apart.
type Window struct {
	Segment, Start int64
	Seq            int32
}

// SplitWindow takes a local window key apart; its plain key is appended to dst.
func SplitWindow(dst, b []byte) (key []byte, w Window, err error) {
	key, segment, rest, err := split(dst, b, windowSuffix)
	if err != nil {
		return key, Window{}, err
	}
	return key, Window{segment, Int64(rest), int32(binary.BigEndian.Uint32(rest[8:]))}, nil
}

// AppendSession appends the local key of the session of key that lasted from
// start to end, both in ms. The segment is that of the end.
func AppendSession(dst []byte, segment int64, key []byte, start, end int64) []byte {
	return AppendInt64(AppendInt64(KeyPrefix(dst, segment, key), end), start)
}

// Session is a local session key taken apart.
type Session struct {
	Segment, Start, End int64
}

// SplitSession takes a local session key apart; its plain key is appended to dst.
func SplitSession(dst, b []byte) (key []byte, s Session, err error) {
	key, segment, rest, err := split(dst, b, sessionSuffix)
	if err != nil {
		return key, Session{}, err
	}
	return key, Session{Segment: segment, End: Int64(rest), Start: Int64(rest[8:])}, nil
}

// split reads the segment and the key, which exactly suffix bytes must follow.
func split(dst, b []byte, suffix int) (key []byte, segment int64, rest []byte, err error) {
	if len(b) < 8 {
		return dst, 0, nil, ErrMalformed
	}
	key, rest, err = AppendUnescaped(dst, b[8:])
	if err == nil && len(rest) != suffix {
		err = ErrMalformed
	}
	return key, Int64(b), rest, err
}

// minKey is a segment and the terminator of an empty key.
const minKey = 8 + 2

// WindowTime reads the segment and the start of a local window key without taking
// the key apart, for scans that want nothing else.
func WindowTime(b []byte) (segment, start int64, err error) { return timeAt(b, windowSuffix) }

// WindowSeq reads the seqnum of a local window key, as WindowTime.
func WindowSeq(b []byte) (int32, error) {
	if len(b) < minKey+windowSuffix {
		return 0, ErrMalformed
	}
	return int32(binary.BigEndian.Uint32(b[len(b)-4:])), nil
}

// SessionTime reads the segment and the end of a local session key, as WindowTime.
func SessionTime(b []byte) (segment, end int64, err error) { return timeAt(b, sessionSuffix) }

func timeAt(b []byte, suffix int) (segment, t int64, err error) {
	if len(b) < minKey+suffix {
		return 0, 0, ErrMalformed
	}
	return Int64(b), Int64(b[len(b)-suffix:]), nil
}
