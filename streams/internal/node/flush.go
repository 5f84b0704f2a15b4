package node

import (
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/serde"
)

// flusher sends what a cache flushes to the children of its operator. While it
// does, the record that changed the entry last is the current one.
type flusher[K, K2, V any] struct {
	env *Env
	out *slot[K2, Change[V]]
	// name gives the key and the time, in ms, by which children know an update.
	name func(u *cached.Update[K, V]) (K2, int64)

	inside bool
	before Current // the record under way, if the cache flushes in the middle of one
	time   int64   // of the runtime before, ms
}

// flushTable has a table's cache send its updates to next.
func flushTable[K, V any](env *Env, c *cached.Cache[K, V], olds bool, next Sink[K, Change[V]]) {
	c.Own(&flusher[K, K, V]{env: env, out: newSlot(next), name: func(u *cached.Update[K, V]) (K, int64) {
		return u.Key, u.Time
	}}, olds)
}

// flushWindows is flushTable for windows.
func flushWindows[K, V any](env *Env, c *cached.Cache[K, V], olds bool, next Sink[serde.Windowed[K], Change[V]]) {
	c.Own(&flusher[K, serde.Windowed[K], V]{env: env, out: newSlot(next), name: func(u *cached.Update[K, V]) (serde.Windowed[K], int64) {
		return serde.Windowed[K]{Key: u.Key, Window: u.Window}, u.Time
	}}, olds)
}

// flushSessions is flushTable for sessions, whose time is their end.
func flushSessions[K, V any](env *Env, c *cached.Cache[K, V], olds bool, next Sink[serde.Windowed[K], Change[V]]) {
	c.Own(&flusher[K, serde.Windowed[K], V]{env: env, out: newSlot(next), name: func(u *cached.Update[K, V]) (serde.Windowed[K], int64) {
		return serde.Windowed[K]{Key: u.Key, Window: u.Window}, u.Window.End
	}}, olds)
}

// Enter implements cached.Owner.
func (f *flusher[K, K2, V]) Enter(c *cached.Context) {
	cur := f.env.Cur
	if c == nil {
		if f.inside {
			f.inside, *cur = false, f.before
			f.env.at(f.time)
		}
		return
	}
	before := f.env.at(c.Time)
	if !f.inside {
		f.inside, f.before, f.time = true, *cur, before
	}
	cur.Topic, cur.Partition, cur.Offset = c.Topic, c.Partition, c.Offset
	cur.Time, cur.Headers = c.Time, c.Headers
}

// Forward implements cached.Owner.
func (f *flusher[K, K2, V]) Forward(u *cached.Update[K, V]) error {
	f.out.rec.Key, f.out.rec.Time = f.name(u)
	f.out.hd.Reset(u.Context.Headers)
	f.out.rec.Headers = &f.out.hd
	f.out.rec.Value = Change[V]{New: u.New, Old: u.Old, Has: u.Has, Had: u.Had}
	return f.out.sendAt(f.env)
}

// at tells the runtime the time of what follows, in ms, and returns that before.
func (e *Env) at(ms int64) (before int64) {
	if e.At == nil {
		return ms
	}
	return e.At(ms)
}
