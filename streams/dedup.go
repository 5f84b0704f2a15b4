package streams

import (
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/node"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

const dedupPrefix = "KSTREAM-DEDUP-"

// DedupOption changes [Stream.Dedup]. Options for stores are such, and [OnLate] is.
type DedupOption interface {
	option
	dedupOption()
}

func (n Name) dedupOption()       {}
func (storeSetting) dedupOption() {}

// dedupSetting is an option for Dedup only.
type dedupSetting func(*settings)

func (f dedupSetting) apply(s *settings) { f(s) }
func (dedupSetting) dedupOption()        {}

// OnLate has f declare what becomes of the records that come too late for
// [Stream.Dedup] to judge. f is called while the operator is declared, with a stream
// of its types; others are a fault of the builder. See [WindowedGroup.OnLate].
func OnLate[K, V any](f func(late Stream[K, V]), opts ...NodeOption) DedupOption {
	return dedupSetting(func(s *settings) { s.lateLeft = onLate[K, V]{lateStream(f), opts} })
}

// Dedup leaves out the records whose id passed already, less than within before or
// after in event time, and counts them by the reason "duplicate". The first that comes
// passes; duplicates do not prolong its span. by makes the id, and ids writes it to the
// operator's window store, which has a changelog topic, so that restarts and moves
// remember.
//
// Records of one id must be in one partition: the id should be the key, or belong to
// one. If keys were changed above, there is a repartition topic, as in front of a
// grouping.
//
// A record that is more than within behind the highest time of this operator is too
// late to be judged: it is left out, counted by the reason "late", and can be had by
// [OnLate]. WithRetention, which is three times within by default, moves that limit to
// the retention less twice within.
//
// Records without key are skipped. A record for which by returns nil, where I is a
// pointer, has no id and passes, as do null values that V cannot show. Time and headers
// stay. As names the store; the operator is Millrace's own, and its generated name
// begins with KSTREAM-DEDUP-.
func (s Stream[K, V]) Dedup[I any](by func(K, V) I, ids serde.Serde[I], within time.Duration, opts ...DedupOption) Stream[K, V] {
	h := s.h.owned()
	c := declare(h.b, dedupPrefix, by == nil, opts, h.id)
	c.span("the span within", within, time.Millisecond)
	if ids == nil {
		c.fail("the serde of the ids is nil")
	}
	span := c.dedupSpan(within)
	decl := c.store(store.KindWindow, dedupPrefix+storePrefix)
	decl.NoCache = true
	decl.Spec.WindowSize, decl.Spec.Retention = within, time.Duration(span.Keeps())*time.Millisecond
	var ks serde.Serde[K]
	if h.rekeyed {
		ks = h.keySerde(&c)
	}
	g := grouping[K, V]{h, &groupTopic{}}
	out := h
	out.rekeyed = false
	out.id, _ = g.fold(&c, decl, ks, func(l *linking, id topo.NodeID, st topo.StoreID) node.Sink[K, V] {
		passed := open(l, st, func(e store.Engine, s store.Spec) (*store.Window[I, bool], error) {
			return store.NewWindow(e, s, ids, serde.Bool)
		})
		return node.Dedup(l.env(id), passed, span, by, lateSink[K, V](l, id), fan[K, V](l, id))
	})
	lateSide(&c, out, c.lateLeft, "OnLate", out.id)
	return Stream[K, V]{out}
}

// dedupSpan is the span of the call, by its retention.
func (c *call) dedupSpan(within time.Duration) node.DedupSpan {
	retention := 3 * within
	if c.retention != 0 {
		retention = c.retain(2 * within)
	}
	return node.DedupSpan{Within: max(1, within.Milliseconds()), Grace: (retention - 2*within).Milliseconds()}
}
