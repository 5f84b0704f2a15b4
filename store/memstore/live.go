package memstore

import "github.com/millrace/millrace/store"

var _ store.Follower = (*DB)(nil)

// Follow implements [store.Follower]. A reader copies the store once after each
// commit that it meets: it is for small ones, and for tests.
func (d *DB) Follow(spec store.Spec) (func() store.Reader, error) {
	if _, err := d.Engine(spec); err != nil {
		return nil, err
	}
	return func() store.Reader { return live{d, spec.Name} }, nil
}

type live struct {
	db   *DB
	name string
}

// now is the store as of the last commit.
func (l live) now() (store.Reader, error) {
	s, err := l.db.Snapshot()
	if err != nil {
		return nil, err
	}
	return s.Reader(l.name)
}

// Get implements [store.Reader].
func (l live) Get(key []byte) (value []byte, ok bool, err error) {
	r, err := l.now()
	if err != nil {
		return nil, false, err
	}
	return r.Get(key)
}

// Scan implements [store.Reader].
func (l live) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	r, err := l.now()
	if err != nil {
		return err
	}
	return r.Scan(lo, hi, reverse, visit)
}
