package store

import (
	"cmp"
	"container/list"
	"encoding/binary"
	"slices"
)

// lru is an engine of bounded size. It keeps the order in which entries were
// touched in memory; how an engine orders them, by key, is not changed by it.
type lru struct {
	Engine
	spec   Spec
	order  *list.List // of keys, the one touched last in front
	places map[string]*list.Element
}

// NewLRU bounds an engine to the MaxEntries of its Spec, which must be an LRU
// store: a put that would exceed them removes the entry that was neither read with
// Get nor put for longest. The views of key-value stores go on top; scans touch
// nothing.
//
// As in Kafka Streams the removal goes to the changelog of a plain store, before
// the put, and not to that of a timestamped one. That is cut to size again when it
// is restored, and may then hold what had been removed, if others were deleted
// since. After a restart the order is that of the values' times, of the keys if they
// have none.
//
// It belongs to the goroutine of its task. After [DB.Rollback] make a new one.
func NewLRU(e Engine, spec Spec) (Engine, error) {
	if err := expect(spec, KindLRU); err != nil {
		return nil, err
	}
	return &lru{Engine: e, spec: spec}, nil
}

func (l *lru) Get(key []byte) (value []byte, ok bool, err error) {
	if err := l.recall(); err != nil {
		return nil, false, err
	}
	if at := l.places[string(key)]; at != nil {
		l.order.MoveToFront(at)
	}
	return l.Engine.Get(key)
}

func (l *lru) Put(key, value []byte) error {
	if err := l.recall(); err != nil {
		return err
	}
	if at := l.places[string(key)]; at != nil {
		l.order.MoveToFront(at)
	} else {
		l.add(string(key))
	}
	if err := l.trim(); err != nil {
		return err
	}
	return l.Engine.Put(key, value)
}

func (l *lru) Delete(key []byte) error {
	if err := l.recall(); err != nil {
		return err
	}
	if at := l.places[string(key)]; at != nil {
		l.drop(at)
	}
	return l.Engine.Delete(key)
}

// Scan touches nothing, but a store that was restored is cut to size first.
func (l *lru) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	if err := l.recall(); err != nil {
		return err
	}
	return l.Engine.Scan(lo, hi, reverse, visit)
}

// DeleteRange also forgets the order, which the next use finds again.
func (l *lru) DeleteRange(lo, hi []byte) error {
	l.places = nil
	return l.Engine.DeleteRange(lo, hi)
}

func (l *lru) add(key string) { l.places[key] = l.order.PushFront(key) }

func (l *lru) drop(at *list.Element) {
	delete(l.places, at.Value.(string))
	l.order.Remove(at)
}

// trim removes what is too much.
func (l *lru) trim() error {
	for l.order.Len() > l.spec.MaxEntries {
		at := l.order.Back()
		key := []byte(at.Value.(string))
		l.drop(at)
		if err := l.evict(key); err != nil {
			return err
		}
	}
	return nil
}

func (l *lru) evict(key []byte) error {
	if unlogged, ok := l.Engine.(interface{ Staged() Engine }); ok && l.spec.Timestamped {
		return unlogged.Staged().Delete(key)
	}
	return l.Engine.Delete(key)
}

// recall finds the entries that there are, once.
func (l *lru) recall() error {
	if l.places != nil {
		return nil
	}
	type aged struct {
		key string
		ts  int64
	}
	var found []aged
	err := l.Engine.Scan(nil, nil, false, func(key, value []byte) bool {
		a := aged{key: string(key)}
		if l.spec.Timestamped && len(value) >= 8 {
			a.ts = int64(binary.BigEndian.Uint64(value))
		}
		found = append(found, a)
		return true
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(found, func(a, b aged) int { return cmp.Compare(a.ts, b.ts) })
	l.order, l.places = list.New(), make(map[string]*list.Element, len(found))
	for _, a := range found {
		l.add(a.key)
	}
	return l.trim()
}
