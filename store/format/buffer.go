package format

import "bytes"

// same stands for the length of an old value that equals the prior one.
const same = -2

// VersionHeader is the key of the header that tells the version of a suppress
// buffer's changelog record, and BufferVersion the one that is written.
const (
	VersionHeader = "v"
	BufferVersion = 3
)

// BufferRow is one record in the buffer of a suppress, or of a stream-table join
// with grace. Nil values are null.
type BufferRow struct {
	Context Context
	// Prior is the value before the first change that is buffered: what readers
	// downstream have seen last.
	Prior []byte
	// Old and New are of the last change that is buffered.
	Old, New []byte
	// Time orders the buffer, in ms: a window's end, or the record's time. 0 in the
	// buffer of a join, whose key has the time.
	Time int64
}

// AppendBufferRow appends a row in version 3.
func AppendBufferRow(dst []byte, b BufferRow) []byte {
	dst = appendBytes32(AppendContext(dst, b.Context), b.Prior)
	if b.Old != nil && b.Prior != nil && bytes.Equal(b.Old, b.Prior) {
		dst = appendInt32(dst, same)
	} else {
		dst = appendBytes32(dst, b.Old)
	}
	return appendInt64(appendBytes32(dst, b.New), b.Time)
}

// ParseBufferRow takes a row of version 3 apart; its values alias b.
func ParseBufferRow(b []byte) (BufferRow, error) {
	r := reader{b: b}
	row := BufferRow{Context: r.context(), Prior: r.bytes32()}
	if n := r.int32(); n == same {
		row.Old = row.Prior
	} else if n != null {
		row.Old = r.take(int(n))
	}
	row.New, row.Time = r.bytes32(), r.int64()
	return row, r.done("a row of a buffer")
}

// ParseBufferRecord reads a changelog record of a suppress buffer in any version:
// the value of its version header, nil if it has none, says which. Versions 0 and 1
// do not know the prior value; the old one stands in for it. Version 0 has no
// context either: the caller gives that of the changelog record.
func ParseBufferRecord(value, version []byte, changelog Context) (BufferRow, error) {
	v := byte(0)
	if len(version) > 0 {
		v = version[0]
	}
	switch v {
	case 0:
		r := reader{b: value}
		row := BufferRow{Time: r.int64(), Context: changelog}
		row.Old, row.New = r.bytes32(), r.bytes32()
		row.Prior = row.Old
		return row, r.done("a row of a buffer, version 0")
	case 1:
		r := reader{b: value}
		row := BufferRow{Time: r.int64(), Context: r.context()}
		row.Old, row.New = r.nested()
		row.Prior = row.Old
		return row, r.done("a row of a buffer, version 1")
	case 2:
		// Some releases wrote version 3 under this number.
		if row, err := parseVersion2(value); err == nil {
			return row, nil
		}
	}
	return ParseBufferRow(value)
}

func parseVersion2(value []byte) (BufferRow, error) {
	r := reader{b: value}
	row := BufferRow{Context: r.context()}
	row.Old, row.New = r.nested()
	row.Prior, row.Time = r.bytes32(), r.int64()
	return row, r.done("a row of a buffer, version 2")
}

// nested is an old and a new value within one length.
func (r *reader) nested() (old, new []byte) {
	inner := reader{b: r.bytes32()}
	old, new = inner.bytes32(), inner.bytes32()
	r.bad = r.bad || inner.done("a change") != nil
	return old, new
}

// Size is the memory that Kafka Streams reckons for a row under a key of so many
// bytes: what bounds a buffer by bytes counts it.
func (b BufferRow) Size(key int) int {
	size := 8 + key + len(b.Prior) + len(b.New) + b.Context.Size()
	if !(b.Prior != nil && bytes.Equal(b.Prior, b.Old)) {
		size += len(b.Old)
	}
	return size
}
