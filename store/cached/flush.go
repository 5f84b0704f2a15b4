package cached

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/serde"
)

// chunk bounds the encoded values of one round of a flush, in bytes: what is
// sorted together, and the memory that a flush needs.
const chunk = 4 << 20

// flushing is the scratch of a flush, kept from one to the next.
type flushing[V any] struct {
	spare  []*Entry[V] // for Cache.changes
	batch  []flush[V]
	sorted []int32 // of batch
	arena  []byte  // encoded values
}

// flush is one entry on its way out.
type flush[V any] struct {
	e      *Entry[V]
	lo, hi int // in the arena
	old    V
	had    bool
}

// Flush writes all changes to the store and its changelog and sends them on. It
// comes first in a commit. After an error the cache is of no further use.
func (c *Cache[K, V]) Flush() error {
	if err := c.flush(); err != nil {
		return err
	}
	c.settle()
	return nil
}

func (c *Cache[K, V]) flush() error {
	if len(c.changes) == 0 {
		return nil
	}
	list := c.changes
	slices.SortFunc(list, func(a, b *Entry[V]) int { return cmp.Compare(a.seq, b.seq) })
	c.changes, c.flushed.spare = c.flushed.spare[:0], list
	clear(c.heads)
	if c.owner != nil {
		defer c.owner.Enter(nil)
	}
	for len(list) > 0 {
		n, err := c.stage(list)
		if err == nil {
			err = c.writeStore()
		}
		if err == nil {
			err = c.tell()
		}
		if err != nil {
			return err
		}
		list = list[n:]
	}
	clear(c.flushed.spare)
	return nil
}

// stage encodes a round of entries, as far as they are not, and reads what the
// store has in their place. It returns how many entries it took.
func (c *Cache[K, V]) stage(list []*Entry[V]) (n int, err error) {
	f := &c.flushed
	f.arena = f.arena[:0]
	for n < len(list) && len(f.arena) < chunk {
		e := list[n]
		n++
		b := flush[V]{e: e, lo: len(f.arena)}
		if err := c.lookBack(&b); err != nil {
			return n, err
		}
		if !e.there && !b.had {
			c.settled(e) // never seen by anybody
			continue
		}
		if f.arena, err = c.appendEntry(f.arena, e); err != nil {
			return n, err
		}
		b.hi = len(f.arena)
		f.batch = append(f.batch, b)
	}
	return n, nil
}

// lookBack finds the old value where somebody needs it. Who deletes must know
// whether there is one.
func (c *Cache[K, V]) lookBack(b *flush[V]) error {
	if b.e.there && !c.olds {
		return nil
	}
	plain, w := c.layout.split(b.e.key)
	old, _, had, err := c.below.get(plain, w)
	if b.had = had; err == nil && had && c.olds {
		b.old, err = c.decode(old)
	}
	return err
}

// appendEntry appends the encoded value of an entry.
func (c *Cache[K, V]) appendEntry(dst []byte, e *Entry[V]) ([]byte, error) {
	switch {
	case !e.there:
		return dst, nil
	case c.traits.plain || e.held:
		return c.append(dst, e.value)
	}
	return append(dst, e.bytes...), nil
}

// writeStore writes the round to the store, in the order of the keys there.
func (c *Cache[K, V]) writeStore() error {
	if !c.sorted {
		return nil // tell writes each together with its changelog record
	}
	f := &c.flushed
	f.sorted = f.sorted[:0]
	for i := range f.batch {
		f.sorted = append(f.sorted, int32(i))
	}
	slices.SortFunc(f.sorted, func(a, b int32) int { return c.order.compare(f.batch[a].e.key, f.batch[b].e.key) })
	for _, i := range f.sorted {
		if err := c.write(c.below, &f.batch[i]); err != nil {
			return err
		}
	}
	return nil
}

// writer is a layer, or the changelog alone.
type writer interface {
	put(key []byte, w serde.Window, value []byte, ts int64) error
	remove(key []byte, w serde.Window) error
}

func (c *Cache[K, V]) write(to writer, b *flush[V]) error {
	plain, w := c.layout.split(b.e.key)
	if !b.e.there {
		return to.remove(plain, w)
	}
	return to.put(plain, w, c.flushed.arena[b.lo:b.hi], b.e.time)
}

// tell writes the changelog and sends the round on, in the order of the changes.
func (c *Cache[K, V]) tell() error {
	f := &c.flushed
	for i := range f.batch {
		if err := c.tellOne(&f.batch[i]); err != nil {
			return err
		}
	}
	clear(f.batch)
	f.batch = f.batch[:0]
	return nil
}

func (c *Cache[K, V]) tellOne(b *flush[V]) error {
	if c.owner != nil {
		c.owner.Enter(&b.e.ctx)
	}
	var err error
	switch {
	case c.log != nil:
		err = c.write(c.log, b)
	case !c.sorted:
		err = c.write(c.below, b)
	}
	if err == nil && c.owner != nil {
		err = c.forward(b)
	}
	if err == nil {
		c.settled(b.e)
	}
	return err
}

// forward sends one update on. The value goes with it.
func (c *Cache[K, V]) forward(b *flush[V]) (err error) {
	e := b.e
	plain, w := c.layout.split(e.key)
	if c.layout == window {
		w.End = endOf(w.Start, c.size)
	}
	u := &c.update
	*u = Update[K, V]{Window: w, Old: b.old, Had: b.had && c.olds, Has: e.there, Time: e.ctx.Time, Context: &e.ctx}
	if u.Key, err = c.readKey(plain); err != nil {
		return err
	}
	if e.there {
		u.Time = e.time
		if u.New, err = c.part(e, c.flushed.arena[b.lo:b.hi]); err != nil {
			return err
		}
	}
	return c.owner.Forward(u)
}

// part parts with the value of an entry. If it might be changed, the cache keeps
// its bytes.
func (c *Cache[K, V]) part(e *Entry[V], encoded []byte) (V, error) {
	switch {
	case c.traits.plain:
		return e.value, nil
	case !e.held:
		return c.decode(encoded)
	}
	v := e.value
	e.keep(encoded)
	c.weigh(e)
	return v, nil
}

// settled is the end of an entry's flush.
func (c *Cache[K, V]) settled(e *Entry[V]) {
	e.dirty, e.next, e.ctx.Headers = false, nil, nil
	if !e.there || c.layout == session {
		c.drop(e)
	}
}

// order is the order of the keys in the store below: those of a segment together.
type order struct {
	layout   layout
	interval int64 // ms, of a segment
}

func (o order) compare(a, b string) int {
	plainA, wa := o.layout.split(a)
	plainB, wb := o.layout.split(b)
	ta, tb := wa.Start, wb.Start
	if o.layout == session {
		ta, tb = wa.End, wb.End
	}
	if o.layout != noWindow {
		if d := cmp.Compare(keyenc.Segment(ta, o.interval), keyenc.Segment(tb, o.interval)); d != 0 {
			return d
		}
	}
	if d := bytes.Compare(plainA, plainB); d != 0 {
		return d
	}
	if d := cmp.Compare(ta, tb); d != 0 {
		return d
	}
	return cmp.Compare(wa.Start, wb.Start)
}

// endOf is where a window ends, at the end of time at the latest.
func endOf(start, size int64) int64 {
	if end := start + size; end >= start {
		return end
	}
	return math.MaxInt64
}
