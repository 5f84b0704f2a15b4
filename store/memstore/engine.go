package memstore

import (
	"bytes"

	"github.com/millrace/millrace/store"
)

// engine is one store of a DB.
type engine struct {
	db   *DB
	spec store.Spec
	list *list
}

func (e *engine) Get(key []byte) (value []byte, ok bool, err error) {
	if e.db.closed {
		return nil, false, store.ErrClosed
	}
	n := e.list.get(key)
	if n == nil {
		return nil, false, nil
	}
	return n.value, true, nil
}

func (e *engine) Put(key, value []byte) error {
	if e.db.closed {
		return store.ErrClosed
	}
	e.db.mu.Lock()
	defer e.db.mu.Unlock()
	j := &e.db.staged
	j.bytes += len(key) + len(value)
	if n := e.list.get(key); n != nil {
		j.note(e.list, n.key, n)
		e.list.set(n, value)
		return nil
	}
	j.note(e.list, e.list.insert(key, value).key, nil)
	return nil
}

func (e *engine) Delete(key []byte) error {
	if e.db.closed {
		return store.ErrClosed
	}
	e.db.mu.Lock()
	defer e.db.mu.Unlock()
	if n := e.list.get(key); n != nil {
		e.drop(n)
	}
	return nil
}

// drop stages the removal of the node that the last seek found.
func (e *engine) drop(n *node) {
	e.db.staged.note(e.list, n.key, n)
	e.db.staged.bytes += len(n.key)
	e.list.remove(n)
}

func (e *engine) DeleteRange(lo, hi []byte) error {
	if e.db.closed {
		return store.ErrClosed
	}
	e.db.mu.Lock()
	defer e.db.mu.Unlock()
	for n := e.list.seek(lo); n != nil && below(n.key, hi); n = e.list.seek(lo) {
		e.drop(n)
	}
	return nil
}

func (e *engine) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	if e.db.closed {
		return store.ErrClosed
	}
	if reverse {
		for n := e.list.below(hi); n != nil && bytes.Compare(n.key, lo) >= 0 && visit(n.key, n.value); {
			n = e.list.real(n.prev)
		}
		return nil
	}
	for n := e.list.seek(lo); n != nil && below(n.key, hi) && visit(n.key, n.value); {
		n = n.next[0]
	}
	return nil
}

// below reports whether key lies under an upper bound, which is open if nil.
func below(key, hi []byte) bool { return hi == nil || bytes.Compare(key, hi) < 0 }
