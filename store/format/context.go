package format

import "github.com/millrace/millrace/streams/record"

// Context is where a buffered record came from. It travels with the record and is
// restored when the record leaves the buffer.
type Context struct {
	Time      int64 // of the record, ms
	Offset    int64
	Topic     string
	Partition int32
	Headers   []record.Header
}

// AppendContext appends a context.
func AppendContext(dst []byte, c Context) []byte {
	dst = appendInt64(appendInt64(dst, c.Time), c.Offset)
	dst = append(appendInt32(dst, len(c.Topic)), c.Topic...)
	dst = appendInt32(appendInt32(dst, int(c.Partition)), len(c.Headers))
	for _, h := range c.Headers {
		dst = append(appendInt32(dst, len(h.Key)), h.Key...)
		dst = appendBytes32(dst, h.Value)
	}
	return dst
}

// ParseContext takes a context apart; the values of its headers alias b.
func ParseContext(b []byte) (Context, error) {
	r := reader{b: b}
	c := r.context()
	return c, r.done("a record context")
}

func (r *reader) context() Context {
	c := Context{Time: r.int64(), Offset: r.int64(), Topic: string(r.bytes32()), Partition: r.int32()}
	n := r.int32()
	// Each header takes eight bytes at least: a count that cannot be is a fault,
	// and not a reason to allocate.
	if n < 0 || int(n) > len(r.b)/8 {
		r.bad = r.bad || n != 0
		return c
	}
	for range n {
		c.Headers = append(c.Headers, record.Header{Key: string(r.bytes32()), Value: r.bytes32()})
	}
	return c
}

// Size is the memory that Kafka Streams reckons for a context, in bytes: what
// bounds a buffer by bytes counts it.
func (c Context) Size() int {
	size := 8 + 8 + 4 + len(c.Topic)
	for _, h := range c.Headers {
		size += len(h.Key) + len(h.Value)
	}
	return size
}
