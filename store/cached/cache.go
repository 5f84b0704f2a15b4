package cached

import (
	"fmt"
	"unsafe"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/serde"
)

// Owner is the operator whose results a cache holds; it hears about each flush.
type Owner[K, V any] interface {
	// Enter makes c the record under way, before its entry is logged and forwarded.
	// Nil ends a flush: the record before it is under way again. c is lent.
	Enter(c *Context)
	// Forward sends an update on. It is lent for the call.
	Forward(u *Update[K, V]) error
}

// Update is what became of one key since the last flush.
type Update[K, V any] struct {
	Key    K
	Window serde.Window // in window and session stores
	// New is there if Has; else the key was deleted. Old is there if Had, and only
	// where old values were asked for.
	New, Old V
	Has, Had bool
	// Time is that of the new value, or of the record that deleted it, ms.
	Time int64
	// Context is the record that changed the key last.
	Context *Context
}

// Options are what a cache is made of besides its store.
type Options[K, V any] struct {
	Keys   serde.Serde[K]
	Values serde.Serde[V]
	// Budget is shared by all caches of the process; never nil.
	Budget *Budget
}

// Cache is the record cache of one store in one task. See the package for its
// rules. It is not safe for concurrent use.
type Cache[K, V any] struct {
	keys    serde.Serde[K]
	values  serde.Serde[V]
	traits  traits[V]
	readKey func([]byte) (K, error)
	layout  layout
	size    int64 // ms, of the windows of a window store
	order   order

	below    layer
	sessions *store.Session[[]byte, []byte] // below, if it is a session store
	found    finding[V]                     // among them
	log      *logLayer                      // the changelog, if it is written apart
	sorted   bool                           // whether the store may be written in its own order

	owner Owner[K, V]
	olds  bool

	index   map[string]*Entry[V]
	ring    []*Entry[V]          // all entries, for the clock
	hand    int                  // of the clock
	changes []*Entry[V]          // all dirty ones, in the order in which they became so
	seq     uint64               // of the last change
	heads   map[string]*Entry[V] // dirty sessions by plain key
	free    []*Entry[V]

	lease   *lease
	granted int64 // bytes of the lease
	bytes   int64 // what the entries weigh
	typical int64 // a value's weight, for those that were never encoded
	flushed flushing[V]
	update  Update[K, V]
	scratch []byte
}

// NewTable is the cache of a timestamped key-value store.
func NewTable[K, V any](e store.Engine, spec store.Spec, o Options[K, V]) (*Cache[K, V], error) {
	if spec.Kind != store.KindKeyValue || !spec.Timestamped {
		return nil, fmt.Errorf("store %q: the cache of a table needs a timestamped key-value store, this is a %v store", spec.Name, spec.Kind)
	}
	c, staged := newCache(e, spec, noWindow, o)
	c.below = tableLayer{store.NewTimestampedKV(staged, raw{}, raw{})}
	return c, nil
}

// NewWindow is the cache of a window store.
func NewWindow[K, V any](e store.Engine, spec store.Spec, o Options[K, V]) (*Cache[K, V], error) {
	c, staged := newCache(e, spec, window, o)
	st, err := store.NewWindow(staged, spec, raw{}, raw{})
	c.below, c.size = windowLayer{st}, spec.WindowSize.Milliseconds()
	return c, err
}

// NewSession is the cache of a session store. It holds nothing but changes.
func NewSession[K, V any](e store.Engine, spec store.Spec, o Options[K, V]) (*Cache[K, V], error) {
	c, staged := newCache(e, spec, session, o)
	st, err := store.NewSession(staged, spec, raw{}, raw{})
	c.below, c.sessions, c.heads = sessionLayer{st}, st, map[string]*Entry[V]{}
	c.found.visit = c.see
	return c, err
}

func newCache[K, V any](e store.Engine, spec store.Spec, l layout, o Options[K, V]) (*Cache[K, V], store.Engine) {
	c := &Cache[K, V]{
		keys: o.Keys, values: o.Values, traits: traitsOf(o.Values), readKey: o.Keys.Decode, layout: l,
		order: order{l, spec.SegmentInterval()}, sorted: spec.LoggingOff, index: map[string]*Entry[V]{}, typical: 64,
	}
	// Entries' keys are never written, like those of a source.
	if b, ok := o.Keys.(serde.Borrower[K]); ok && !Aliases[K]() {
		c.readKey = b.DecodeShared
	}
	c.lease = open(o.Budget, c)
	if s, ok := e.(Split); ok {
		c.log, c.sorted = newLogLayer(s, spec, l), true
		e = s.Staged()
	}
	if b, ok := e.(store.Backing); ok {
		b.BehindCache()
	}
	return c, e
}

// Own names the operator that hears about flushes; olds says whether it needs old
// values. Without one, nothing is sent.
func (c *Cache[K, V]) Own(o Owner[K, V], olds bool) { c.owner, c.olds = o, olds }

// Len is the number of entries; Dirty that of those which wait to be flushed.
func (c *Cache[K, V]) Len() int { return len(c.ring) }

// Dirty is the number of entries that wait to be flushed.
func (c *Cache[K, V]) Dirty() int { return len(c.changes) }

// Bytes is what the entries weigh, an estimate.
func (c *Cache[K, V]) Bytes() int64 { return c.bytes }

// encode is the key of an entry, in the scratch buffer.
func (c *Cache[K, V]) encode(k K, w serde.Window) ([]byte, error) {
	b, err := c.keys.Append(c.scratch[:0], k)
	if err != nil {
		return nil, fmt.Errorf("encode the store key: %w", err)
	}
	c.scratch = c.layout.append(b, w)
	return c.scratch, nil
}

// insert makes an entry for an encoded key that has none.
func (c *Cache[K, V]) insert(key []byte) *Entry[V] {
	var e *Entry[V]
	if n := len(c.free); n > 0 {
		e, c.free = c.free[n-1], c.free[:n-1]
	} else {
		e = new(Entry[V])
	}
	e.key, e.used, e.slot = string(key), true, len(c.ring)
	c.ring = append(c.ring, e)
	c.index[e.key] = e
	c.weigh(e)
	return e
}

// drop takes a clean entry out.
func (c *Cache[K, V]) drop(e *Entry[V]) {
	last := len(c.ring) - 1
	c.ring[e.slot] = c.ring[last]
	c.ring[e.slot].slot = e.slot
	c.ring[last] = nil
	c.ring = c.ring[:last]
	delete(c.index, e.key)
	c.bytes -= e.size
	*e = Entry[V]{}
	if len(c.free) < maxFree {
		c.free = append(c.free, e)
	}
}

const (
	// maxFree bounds the entries that are kept to be used again.
	maxFree = 1024
	// around is what an entry costs in the map and in the lists, in bytes.
	around = 64
)

// weigh charges an entry for what it is now.
func (c *Cache[K, V]) weigh(e *Entry[V]) {
	size := int64(unsafe.Sizeof(*e)) + around + int64(len(e.key)) + int64(cap(e.bytes))
	switch {
	case e.held:
		// Decoded values are larger than encoded ones, by about as much again.
		size += 2 * c.typical
	case c.traits.length != nil && e.there:
		size += int64(c.traits.length(e.value))
	}
	c.bytes += size - e.size
	e.size = size
}
