package memstore

import (
	"bytes"
	"math/bits"
)

// maxHeight suits a skip list of 4^12 keys, far more than fit in memory.
const maxHeight = 12

// node is one key. Its key never changes; its value's buffer is used again.
type node struct {
	key, value []byte
	prev       *node
	next       []*node // by level
}

// list is a skip list of keys in byte order. Its zero value is not ready; see
// newList.
type list struct {
	head  *node
	path  [maxHeight]*node // the last search: per level, the last node below the key
	seed  uint64
	count int
	bytes int // keys and values
}

func newList() *list {
	return &list{head: &node{next: make([]*node, maxHeight)}, seed: 0x9e3779b97f4a7c15}
}

// seek returns the first node at or above key, nil if there is none, and leaves
// the way to it in l.path.
func (l *list) seek(key []byte) *node {
	at := l.head
	for level := maxHeight - 1; level >= 0; level-- {
		for n := at.next[level]; n != nil && bytes.Compare(n.key, key) < 0; n = at.next[level] {
			at = n
		}
		l.path[level] = at
	}
	return at.next[0]
}

// get returns the node of exactly that key, or nil.
func (l *list) get(key []byte) *node {
	if n := l.seek(key); n != nil && bytes.Equal(n.key, key) {
		return n
	}
	return nil
}

// insert adds a key that is not there, right after a seek of it.
func (l *list) insert(key, value []byte) *node {
	n := &node{
		key: bytes.Clone(key), value: bytes.Clone(value),
		prev: l.path[0], next: make([]*node, l.height()),
	}
	for level := range n.next {
		n.next[level] = l.path[level].next[level]
		l.path[level].next[level] = n
	}
	if after := n.next[0]; after != nil {
		after.prev = n
	}
	l.count++
	l.bytes += len(key) + len(value)
	return n
}

// set replaces the value of a node.
func (l *list) set(n *node, value []byte) {
	l.bytes += len(value) - len(n.value)
	n.value = append(n.value[:0], value...)
}

// remove takes out the node that the last seek returned. Its own pointers stay, so
// that whoever stands on it can go on.
func (l *list) remove(n *node) {
	for level := range n.next {
		l.path[level].next[level] = n.next[level]
	}
	if after := n.next[0]; after != nil {
		after.prev = n.prev
	}
	l.count--
	l.bytes -= len(n.key) + len(n.value)
}

// below returns the last node under key, or the very last one if key is nil; nil
// if there is none.
func (l *list) below(key []byte) *node {
	if key != nil {
		l.seek(key)
		return l.real(l.path[0])
	}
	at := l.head
	for level := maxHeight - 1; level >= 0; level-- {
		for at.next[level] != nil {
			at = at.next[level]
		}
	}
	return l.real(at)
}

// real hides the head, which is no key.
func (l *list) real(n *node) *node {
	if n == l.head {
		return nil
	}
	return n
}

// height draws the number of levels of a new node, each a quarter as likely as the
// one below. The generator (xorshift) belongs to the list, so runs repeat exactly.
func (l *list) height() int {
	l.seed ^= l.seed << 13
	l.seed ^= l.seed >> 7
	l.seed ^= l.seed << 17
	return min(1+bits.TrailingZeros64(l.seed)/2, maxHeight)
}
