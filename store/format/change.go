package format

import (
	"encoding/binary"
	"fmt"
)

// The last byte of a change says what is in front of it. The last three also carry
// whether the change is the table's latest; they are read, but never written.
const (
	onlyOld = iota
	onlyNew
	bothValues
	onlyOldLatest
	onlyNewLatest
	bothLatest
)

// AppendChange appends a change of a table as it goes through the repartition topic
// of a table's grouping. Nil is no value; one of the two must be there. Both
// together mean that the grouping key stayed the same.
func AppendChange(dst, old, new []byte) ([]byte, error) {
	switch {
	case old != nil && new != nil:
		dst = binary.AppendVarint(dst, int64(len(new)))
		return append(append(append(dst, new...), old...), bothValues), nil
	case new != nil:
		return append(append(dst, new...), onlyNew), nil
	case old != nil:
		return append(append(dst, old...), onlyOld), nil
	}
	return dst, fmt.Errorf("%w: a change without old and new value cannot be sent", ErrMalformed)
}

// ParseChange takes a change apart. A side that is missing is nil.
func ParseChange(b []byte) (old, new []byte, err error) {
	if len(b) == 0 {
		return nil, nil, fmt.Errorf("%w: not a table change", ErrMalformed)
	}
	r := reader{b: b[:len(b)-1]}
	flag := b[len(b)-1]
	if flag >= onlyOldLatest && flag <= bothLatest {
		r.b = r.b[:max(0, len(r.b)-1)] // the newest change or not: nobody asks
		r.bad = len(b) < 2
		flag -= onlyOldLatest
	}
	switch flag {
	case onlyOld:
		old = r.rest()
	case onlyNew:
		new = r.rest()
	case bothValues:
		new = r.take(int(r.varint()))
		old = r.rest()
	default:
		r.bad = true
	}
	return old, new, r.done("a table change")
}
