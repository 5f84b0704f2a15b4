package memstore

// undo is one staged change as it must be taken back: the key and what it led to.
type undo struct {
	list *list
	key  []byte // of the node, which keeps it
	had  bool
	from int // the old value in the log's arena
	to   int
}

// journal is the undo log of all stores of a DB since the last commit. Its memory
// is used again from commit to commit.
type journal struct {
	entries []undo
	arena   []byte // old values
	bytes   int    // staged keys and values
}

// note remembers the state of a key before it changes; n is nil if it is absent.
func (j *journal) note(l *list, key []byte, n *node) {
	u := undo{list: l, key: key, had: n != nil, from: len(j.arena)}
	if n != nil {
		j.arena = append(j.arena, n.value...)
	}
	u.to = len(j.arena)
	j.entries = append(j.entries, u)
}

// forget makes everything staged final.
func (j *journal) forget() {
	clear(j.entries) // lets go of removed keys
	j.entries, j.arena, j.bytes = j.entries[:0], j.arena[:0], 0
}

// replay takes everything staged back, the youngest change first.
func (j *journal) replay() {
	for i := len(j.entries) - 1; i >= 0; i-- {
		j.entries[i].apply(j.arena)
	}
	j.forget()
}

func (u undo) apply(arena []byte) {
	n := u.list.get(u.key)
	switch {
	case !u.had && n != nil:
		u.list.remove(n)
	case u.had && n != nil:
		u.list.set(n, arena[u.from:u.to])
	case u.had:
		u.list.insert(u.key, arena[u.from:u.to])
	}
}
