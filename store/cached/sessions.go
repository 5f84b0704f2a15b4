package cached

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/streams/serde"
)

// Found is a session that a record touches, with its entry.
type Found[V any] struct {
	Window serde.Window
	Entry  *Entry[V]
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
	for s, err := range c.sessions.Find(plain, earliestEnd, latestStart) {
		if err != nil {
			return dst, err
		}
		// Find lends the key and has the scratch buffer's plain part, which append
		// leaves as it is.
		c.scratch = c.layout.append(c.scratch[:len(plain)], s.Key.Window)
		e := c.cell(c.scratch)
		if e.dirty {
			continue // it is among the heads, or deleted
		}
		if !e.loaded {
			if err := c.fill(e, s.Value, 0, true); err != nil {
				return dst, err
			}
		}
		dst = append(dst, Found[V]{s.Key.Window, e})
	}
	slices.SortFunc(dst[n:], func(a, b Found[V]) int {
		return cmp.Or(cmp.Compare(a.Window.End, b.Window.End), cmp.Compare(a.Window.Start, b.Window.Start))
	})
	return dst, nil
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
