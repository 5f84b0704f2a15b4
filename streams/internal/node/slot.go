package node

import "github.com/millrace/millrace/streams/record"

// slot is the one record that a node makes again and again, and the sink that
// takes it. It is made at link time, so that records cost nothing; it is safe
// because the graph has no cycle, hence nobody sends while its record is lent.
type slot[K, V any] struct {
	rec   record.Record[K, V]
	hd    record.Headers
	noKey func(K) bool // nil if K has no null
	null  func(V) bool // nil if V has no null
	next  Sink[K, V]
}

func newSlot[K, V any](next Sink[K, V]) *slot[K, V] {
	return &slot[K, V]{noKey: nullTest[K](), null: nullTest[V](), next: next}
}

// at sets the time and a fresh view of the headers: what children add there is
// seen by their siblings and not above this node.
func (s *slot[K, V]) at(time int64, h *record.Headers) {
	s.rec.Time, s.rec.Headers = time, s.hd.From(h)
}

// setKey sets the key, which is null if it is a nil pointer.
func (s *slot[K, V]) setKey(k K) {
	s.rec.Key, s.rec.NoKey = k, s.noKey != nil && s.noKey(k)
}

// setValue sets the value, which is null if it is a nil pointer.
func (s *slot[K, V]) setValue(v V) {
	s.rec.Value, s.rec.Null = v, s.null != nil && s.null(v)
}

// setNull makes the value null.
func (s *slot[K, V]) setNull() {
	var zero V
	s.rec.Value, s.rec.Null = zero, true
}

func (s *slot[K, V]) send() error { return s.next(&s.rec) }

// sendAt is send for a record of another time than the one under way: what follows
// has the record's own.
func (s *slot[K, V]) sendAt(env *Env) error {
	before := env.at(s.rec.Time)
	err := s.next(&s.rec)
	env.at(before)
	return err
}

// follow gives s everything of r but the value.
func follow[K, V, V2 any](s *slot[K, V2], r *record.Record[K, V]) {
	s.rec.Key, s.rec.NoKey = r.Key, r.NoKey
	s.at(r.Time, r.Headers)
}

// unseen says whether the value of r cannot be shown to a user function: it is
// null, and V has no null.
func unseen[K, V any](r *record.Record[K, V], nullable bool) bool { return r.Null && !nullable }
