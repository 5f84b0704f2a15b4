package store

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/streams/serde"
)

// codec is what the views share: the serdes and the buffers they encode into,
// which make reads and writes free of allocations.
type codec[K, V any] struct {
	keys   serde.Serde[K]
	values serde.Serde[V]

	plain []byte // the encoded key
	local []byte // the engine's key made of it, in window and session stores
	value []byte // the encoded value
	free  []byte // a bound that no scan uses right now
}

// encodeKey encodes into c.plain, which the next call overwrites.
func (c *codec[K, V]) encodeKey(k K) ([]byte, error) {
	b, err := c.keys.Append(c.plain[:0], k)
	if err != nil {
		return nil, fmt.Errorf("encode the store key: %w", err)
	}
	c.plain = b
	return b, nil
}

// encodeValue appends v to the head of c.value that is already there.
func (c *codec[K, V]) encodeValue(head []byte, v V) ([]byte, error) {
	b, err := c.values.Append(head, v)
	if err != nil {
		return nil, fmt.Errorf("encode the store value: %w", err)
	}
	c.value = b
	return b, nil
}

func (c *codec[K, V]) encodePlain(v V) ([]byte, error) { return c.encodeValue(c.value[:0], v) }

// encodeTimed puts the value's time, ms big-endian, before the value.
func (c *codec[K, V]) encodeTimed(v V, ts int64) ([]byte, error) {
	return c.encodeValue(binary.BigEndian.AppendUint64(c.value[:0], uint64(ts)), v)
}

func (c *codec[K, V]) decodeKey(b []byte) (K, error) {
	k, err := c.keys.Decode(b)
	if err != nil {
		err = fmt.Errorf("decode a stored key; the store was written with another serde: %w", err)
	}
	return k, err
}

func (c *codec[K, V]) decodePlain(b []byte) (V, error) {
	v, err := c.values.Decode(b)
	if err != nil {
		err = fmt.Errorf("decode a stored value; the store was written with another serde: %w", err)
	}
	return v, err
}

func (c *codec[K, V]) decodeTimed(b []byte) (v V, ts int64, err error) {
	if len(b) < 8 {
		return v, 0, fmt.Errorf("%w: a stored value of %d bytes has no timestamp", ErrCorrupt, len(b))
	}
	v, err = c.decodePlain(b[8:])
	return v, int64(binary.BigEndian.Uint64(b)), err
}

// borrow hands out a buffer for the bounds of one scan. Scans nest, because the
// body of a loop over one may start another, so it cannot be a plain field.
func (c *codec[K, V]) borrow() []byte {
	b := c.free
	c.free = nil
	return b[:0]
}

func (c *codec[K, V]) giveBack(b []byte) { c.free = b }
