package node

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/record"
)

// WithLate is a rule whose operator sends the records that come too late for a
// window, besides counting them: as they came, once each, behind the results of the
// windows that were still open to them.
func WithLate[K, V, A any](f Rule[K, V, A], late Sink[K, V]) Rule[K, V, A] {
	f.late = late
	return f
}

// tooLate counts a record that has come too late altogether, and sends it to whoever
// asks for such.
func (f *rule[K, V, A]) tooLate(env *Env, r *record.Record[K, V]) error {
	env.Skip(SkipLate)
	if f.late == nil {
		return nil
	}
	return f.late(r)
}

// JoinLate stands behind [JoinKept] of one side, whose store it asks: records that come too late to be
// kept go to late as well. They are joined with what the other side has already, but
// not with what it will have. Late is what lies window and grace or more behind the
// highest time of this side; the store knows that across restarts.
func JoinLate[K, V any](kept *store.Window[K, V], w JoinWindow, late, next Sink[K, V]) Sink[K, V] {
	keeps := w.Before + w.After + w.Grace
	return func(r *record.Record[K, V]) error {
		if err := next(r); err != nil || r.NoKey || r.Null {
			return err
		}
		highest, ok, err := kept.StreamTime()
		if err != nil || !ok || r.Time > highest-keeps || r.Time == highest {
			return err
		}
		return late(r)
	}
}
