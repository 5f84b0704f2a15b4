package cached

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/serde"
)

// Found is a session that a record touches, with its entry.
type Found[V any] struct {
	Window serde.Window
	Entry  *Entry[V]
}

// finding is a look for the sessions of one key. visit is made once, so that looking
// allocates nothing.
type finding[V any] struct {
	visit func(store.SessionEntry[[]byte, []byte]) bool
	plain int // length of the key in the scratch buffer
	dst   []Found[V]
	err   error
}

// Sessions appends to dst the sessions of k that end at earliestEnd or later and
// start at latestStart or earlier, by end, then start: those of the store below, as
// far as they were not changed, and those that were. All times are ms.
func (c *Cache[K, V]) Sessions(dst []Found[V], k K, earliestEnd, latestStart int64) ([]Found[V], error) {
	key, err := c.encode(k, serde.Window{})
	if err != nil {
		return dst, err
	}
	plain := key[:len(key)-int(c.layout)]
	n := len(dst)
	for e := c.heads[string(plain)]; e != nil; e = e.next {
		if _, w := c.layout.split(e.key); e.there && w.End >= earliestEnd && w.Start <= latestStart {
			dst = append(dst, Found[V]{w, e})
		}
	}
	c.found.dst, c.found.plain, c.found.err = dst, len(plain), nil
	err = c.sessions.Each(plain, earliestEnd, latestStart, c.found.visit)
	if dst, err = c.found.dst, cmp.Or(err, c.found.err); err != nil {
		return dst, err
	}
	c.found.dst = nil
	slices.SortFunc(dst[n:], func(a, b Found[V]) int {
		return cmp.Or(cmp.Compare(a.Window.End, b.Window.End), cmp.Compare(a.Window.Start, b.Window.Start))
	})
	return dst, nil
}

// see takes a session of the store below up, unless it has changed since: then it is
// among the heads, or deleted. The key is in the scratch buffer, and stays there.
func (c *Cache[K, V]) see(s store.SessionEntry[[]byte, []byte]) bool {
	c.scratch = c.layout.append(c.scratch[:c.found.plain], s.Key.Window)
	e := c.cell(c.scratch)
	if e.dirty {
		return true
	}
	if !e.loaded {
		if c.found.err = c.fill(e, s.Value, 0, true); c.found.err != nil {
			return false
		}
	}
	c.found.dst = append(c.found.dst, Found[V]{s.Key.Window, e})
	return true
}

// link puts a session that became dirty into the list of its key.
func (c *Cache[K, V]) link(e *Entry[V]) {
	if c.layout != session {
		return
	}
	plain := e.key[:len(e.key)-int(session)]
	e.next = c.heads[plain]
	c.heads[plain] = e
}
