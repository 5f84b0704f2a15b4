package cached

import "unsafe"

// makeRoom brings the cache back into what the budget grants, after an entry was
// put: it drops those that have not been used for longest, by the clock's rule. If
// one of them has changed, everything is flushed first, as in Kafka Streams: one
// flush of many keys is cheaper than many of one.
func (c *Cache[K, V]) makeRoom() error {
	if c.ask() {
		return nil
	}
	for c.bytes > c.granted && len(c.ring) > 0 {
		e := c.victim()
		if !e.dirty {
			c.drop(e)
			continue
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
	return nil
}

// Trim gives back what others need more, if the caches of the process hold more than
// their budget together: a cache whose keys are not written any more would keep it
// until the next commit. It is called between records, since it may flush, and costs
// next to nothing while all is well.
func (c *Cache[K, V]) Trim() error {
	if !c.lease.budget.over.Load() {
		return nil
	}
	return c.makeRoom()
}

// ask asks the budget for more, and says whether the cache is within it now.
func (c *Cache[K, V]) ask() bool {
	c.granted = c.lease.ask(c.bytes + c.lease.budget.step())
	return c.bytes <= c.granted
}

// settle gives back what is not needed, and what others need more.
func (c *Cache[K, V]) settle() {
	if c.layout == session {
		c.dropAll() // they are looked for in the store below in any case
	}
	if c.ask() {
		return
	}
	for c.bytes > c.granted && len(c.ring) > 0 {
		c.drop(c.victim()) // all are clean
	}
}

func (c *Cache[K, V]) dropAll() {
	for n := len(c.ring); n > 0; n = len(c.ring) {
		c.drop(c.ring[n-1])
	}
}

// victim is the entry to go next: the first that was not used since the hand of the
// clock last passed it.
func (c *Cache[K, V]) victim() *Entry[V] {
	for {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		e := c.ring[c.hand]
		if !e.used {
			return e
		}
		e.used = false
		c.hand++
	}
}

// tries bounds how many entries a reader looks at to find room.
const tries = 8

// spare says whether there is room for one entry more without a flush, and makes it.
func (c *Cache[K, V]) spare() bool {
	need := int64(unsafe.Sizeof(Entry[V]{})) + around + 2*c.typical
	if c.bytes+need <= c.granted || c.ask() && c.bytes+need <= c.granted {
		return true
	}
	for range min(tries, len(c.ring)) {
		e := c.victim()
		if e.dirty {
			c.hand++
			continue
		}
		if c.drop(e); c.bytes+need <= c.granted {
			return true
		}
	}
	return false
}
