package cached

import (
	"fmt"
	"unsafe"

	"github.com/millrace/millrace/streams/serde"
)

// Load returns the entry of a key, read from the store below if need be. w is the
// window's start, or the session's bounds; zero in a table.
func (c *Cache[K, V]) Load(k K, w serde.Window) (*Entry[V], error) {
	key, err := c.encode(k, w)
	if err != nil {
		return nil, err
	}
	if e := c.index[string(key)]; e != nil && e.loaded {
		e.used = true
		return e, nil
	}
	e := c.cell(key)
	return e, c.read(e)
}

// Cell is Load for who does not look at what is there: nothing is read.
func (c *Cache[K, V]) Cell(k K, w serde.Window) (*Entry[V], error) {
	key, err := c.encode(k, w)
	if err != nil {
		return nil, err
	}
	return c.cell(key), nil
}

func (c *Cache[K, V]) cell(key []byte) *Entry[V] {
	e := c.index[string(key)]
	if e == nil {
		return c.insert(key)
	}
	e.used = true
	return e
}

// read fills an entry from the store below.
func (c *Cache[K, V]) read(e *Entry[V]) error {
	plain, w := c.layout.split(e.key)
	b, ts, ok, err := c.below.get(plain, w)
	if err != nil {
		return err
	}
	return c.fill(e, b, ts, ok)
}

func (c *Cache[K, V]) fill(e *Entry[V], b []byte, ts int64, ok bool) (err error) {
	if ok && c.traits.plain {
		e.value, err = c.decode(b)
	} else if ok {
		e.keep(b)
	}
	e.time, e.there, e.loaded = ts, ok, err == nil
	c.weigh(e)
	return err
}

func (c *Cache[K, V]) decode(b []byte) (V, error) {
	v, err := c.values.Decode(b)
	if err != nil {
		err = fmt.Errorf("decode a stored value; the store was written with another serde: %w", err)
	}
	return v, err
}

// Take hands out the value of a loaded entry, and its time in ms, to be changed in
// place. Who takes must Put or Delete the entry, or leave the value as it is.
func (c *Cache[K, V]) Take(e *Entry[V]) (v V, ts int64, ok bool, err error) {
	if !e.there {
		return v, 0, false, nil
	}
	if !c.traits.plain && !e.held {
		if v, err = c.decode(e.bytes); err != nil {
			return v, 0, false, err
		}
		return v, e.time, true, nil
	}
	return e.value, e.time, true, nil
}

// Get reads a key for who is not the owner, such as a join. The value is the
// reader's, to keep but not to change, and will not be changed by others.
func (c *Cache[K, V]) Get(k K, w serde.Window) (v V, ts int64, ok bool, err error) {
	key, err := c.encode(k, w)
	if err != nil {
		return v, 0, false, err
	}
	if e := c.index[string(key)]; e != nil && e.loaded {
		e.used = true
		return c.give(e)
	}
	return c.fetch(key)
}

// give hands out an entry's value and, if it could be changed by the next
// aggregator call, keeps its bytes in its place.
func (c *Cache[K, V]) give(e *Entry[V]) (v V, ts int64, ok bool, err error) {
	v, ts, ok, err = c.Take(e)
	if err != nil || !e.held {
		return v, ts, ok, err
	}
	e.bytes, err = c.append(e.bytes[:0], v)
	if err != nil {
		return v, ts, false, err
	}
	c.release(e)
	return v, ts, ok, nil
}

// release drops the decoded value of an entry whose bytes are up to date.
func (c *Cache[K, V]) release(e *Entry[V]) {
	var zero V
	e.value, e.held = zero, false
	c.weigh(e)
}

// append encodes a value, and notes what values weigh.
func (c *Cache[K, V]) append(dst []byte, v V) ([]byte, error) {
	b, err := c.values.Append(dst, v)
	if err != nil {
		return dst, fmt.Errorf("encode the store value: %w", err)
	}
	c.typical += (int64(len(b)-len(dst)) - c.typical) / 8
	return b, nil
}

// fetch reads a key that is not cached, and caches it if that costs no flush: the
// record under way may be in the middle of another operator.
func (c *Cache[K, V]) fetch(key []byte) (v V, ts int64, ok bool, err error) {
	plain, w := c.layout.split(unsafe.String(unsafe.SliceData(key), len(key)))
	b, ts, ok, err := c.below.get(plain, w)
	if err != nil || !ok {
		return v, 0, false, err
	}
	if !c.spare() {
		v, err = c.decode(b)
		return v, ts, err == nil, err
	}
	e := c.cell(key)
	if err := c.fill(e, b, ts, true); err != nil {
		return v, 0, false, err
	}
	return c.give(e)
}

// Put sets an entry's value, its time in ms and the record that did it. The value
// is the cache's from here on: the caller gives the only reference to it away. Old
// entries may be flushed to make room, downstream too.
func (c *Cache[K, V]) Put(e *Entry[V], v V, ts int64, ctx *Context) error {
	if !c.traits.plain && c.traits.borrows {
		return c.PutShared(e, v, ts, ctx)
	}
	if c.traits.clone != nil && c.traits.borrows {
		v = c.traits.clone(v)
	}
	e.bytes = e.bytes[:0]
	e.value, e.held = v, !c.traits.plain
	return c.change(e, true, ts, ctx)
}

// PutShared is Put for a value that others have too: it is encoded at once if it
// might be changed.
func (c *Cache[K, V]) PutShared(e *Entry[V], v V, ts int64, ctx *Context) (err error) {
	if c.traits.plain {
		return c.Put(e, v, ts, ctx)
	}
	e.forget()
	if e.bytes, err = c.append(e.bytes, v); err != nil {
		return err
	}
	return c.change(e, true, ts, ctx)
}

// Delete removes the value of an entry. A key that is not in the store below
// either is not sent on.
func (c *Cache[K, V]) Delete(e *Entry[V], ctx *Context) error {
	e.forget()
	return c.change(e, false, 0, ctx)
}

// change marks an entry that has its new value.
func (c *Cache[K, V]) change(e *Entry[V], there bool, ts int64, ctx *Context) error {
	e.there, e.time, e.loaded = there, ts, true
	e.ctx = *ctx
	if len(ctx.Headers) > 0 {
		e.ctx.Headers = copyHeaders(ctx.Headers)
	}
	c.mark(e)
	if !c.traits.plain || c.traits.length != nil {
		c.weigh(e) // others weigh what they weighed as they were inserted
	}
	if c.bytes > c.granted {
		return c.makeRoom()
	}
	return nil
}

// mark puts an entry at the end of the changes, where Kafka Streams puts it too,
// however often it has changed before.
func (c *Cache[K, V]) mark(e *Entry[V]) {
	c.seq++
	e.seq = c.seq
	if e.dirty {
		return
	}
	e.dirty = true
	c.changes = append(c.changes, e)
	c.link(e)
}
