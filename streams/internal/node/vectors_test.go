package node

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// The functions of the transcripts.
var (
	empty     = func() *string { return ptr("") }
	null      = func() *string { return nil }
	joined    = func(a, b *string) *string { return ptr(text(a) + text(b)) }
	commas    = func(a, b *string) *string { return ptr(text(a) + "," + text(b)) }
	nilOfZ    = func(a, b *string) *string { return nilIfZ(a, b) }
	count     = func(_ string, _ *string, n int64) int64 { return n + 1 }
	zero      = func() int64 { return 0 }
	concat    = func(_ string, v, acc *string) *string { return ptr(orEmpty(acc) + text(v)) }
	concatSep = func(_ string, v, acc *string) *string { return list(orEmpty(acc), text(v)) }
	mergeSep  = func(_ string, a, b *string) *string { return list(orEmpty(a), orEmpty(b)) }
	zDeletes  = func(_ string, v, acc *string) *string { return nilIfZ(acc, v) }
)

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func list(a, b string) *string {
	if a == "" || b == "" {
		return ptr(a + b)
	}
	return ptr(a + "," + b)
}

func nilIfZ(a, b *string) *string {
	if text(b) == "z" {
		return nil
	}
	return ptr(text(a) + text(b))
}

func one(s Sink[string, *string]) map[string]Sink[string, *string] {
	return map[string]Sink[string, *string]{"": s}
}

// toStream collects the changes of a table as a stream.
func toStream[V any](b *bench) Sink[string, Change[V]] { return TableToStream(collect[string, V](b)) }

func windowsOut[V any](b *bench) Sink[serde.Windowed[string], Change[V]] {
	same := func(w serde.Windowed[string]) serde.Windowed[string] { return w }
	return WindowedToStream(same, collect[serde.Windowed[string], V](b))
}

// TestAggregatesAsKafkaStreams plays what Kafka Streams did.
func TestAggregatesAsKafkaStreams(t *testing.T) {
	t.Parallel()
	aggregate := func(init func() *string, add func(string, *string, *string) *string) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return Aggregate(&b.env, tableStore(b.t, texts), init, add, toStream[*string](b))
		}
	}
	reduce := func(f func(a, b *string) *string) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return Reduce(&b.env, tableStore(b.t, texts), f, toStream[*string](b))
		}
	}
	playAll(t, map[string]func(*bench) Sink[string, *string]{
		"aggregate-count": func(b *bench) Sink[string, *string] {
			return Aggregate(&b.env, tableStore(b.t, serde.Int64), zero, count, toStream[int64](b))
		},
		"aggregate-aggregate-to-null":   aggregate(empty, zDeletes),
		"aggregate-aggregate-null-init": aggregate(null, concat),
		"aggregate-reduce-concat":       reduce(commas),
		"aggregate-reduce-to-null":      reduce(nilOfZ),
	})
}

func playAll(t *testing.T, scripts map[string]func(*bench) Sink[string, *string]) {
	for name, build := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.play(name, one(build(b)))
		})
	}
}

// TestWindowsAsKafkaStreams plays hopping and tumbling windows.
func TestWindowsAsKafkaStreams(t *testing.T) {
	t.Parallel()
	counts := func(w TimeWindows) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return WindowAggregate(&b.env, windowStore(b.t, w, serde.Int64), w, zero, count, windowsOut[int64](b))
		}
	}
	lists := func(w TimeWindows) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return WindowAggregate(&b.env, windowStore(b.t, w, texts), w, empty, concatSep, windowsOut[*string](b))
		}
	}
	reduce := func(w TimeWindows) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return WindowReduce(&b.env, windowStore(b.t, w, texts), w, joined, windowsOut[*string](b))
		}
	}
	playAll(t, map[string]func(*bench) Sink[string, *string]{
		"window-hopping-count":           counts(TimeWindows{Size: 1000, Advance: 400}),
		"window-hopping-partial-late":    lists(TimeWindows{Size: 100, Advance: 50}),
		"window-hopping-small-ts":        lists(TimeWindows{Size: 100, Advance: 30}),
		"window-hopping-aggregate-grace": lists(TimeWindows{Size: 1000, Advance: 500, Grace: 1000}),
		"window-hopping-nulls-reduce":    reduce(TimeWindows{Size: 10, Advance: 5}),
		"window-tumbling-reduce":         reduce(TimeWindows{Size: 1000, Advance: 1000, Grace: 500}),
		"window-tumbling-boundary":       counts(TimeWindows{Size: 10, Advance: 10, Grace: 5}),
		"window-tumbling-nulls-count":    counts(TimeWindows{Size: 1000, Advance: 1000}),
	})
}

// TestSessionsAsKafkaStreams plays sessions: merges, tombstones, lateness.
func TestSessionsAsKafkaStreams(t *testing.T) {
	t.Parallel()
	lists := func(s SessionWindows) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return SessionAggregate(&b.env, sessionStore(b.t, s, texts), s, empty, concatSep, mergeSep, windowsOut[*string](b))
		}
	}
	reduce := func(s SessionWindows) func(*bench) Sink[string, *string] {
		return func(b *bench) Sink[string, *string] {
			return SessionReduce(&b.env, sessionStore(b.t, s, texts), s, joined, windowsOut[*string](b))
		}
	}
	sum := func(_ string, a, b int64) int64 { return a + b }
	playAll(t, map[string]func(*bench) Sink[string, *string]{
		"window-session-count": func(b *bench) Sink[string, *string] {
			s := SessionWindows{Gap: 10, Grace: 100}
			return SessionAggregate(&b.env, sessionStore(b.t, s, serde.Int64), s, zero, count, sum, windowsOut[int64](b))
		},
		"window-session-late":         lists(SessionWindows{Gap: 10, Grace: 5}),
		"window-session-merge-three":  lists(SessionWindows{Gap: 10, Grace: 1000}),
		"window-session-same-session": lists(SessionWindows{Gap: 10, Grace: 100}),
		"window-session-boundary":     lists(SessionWindows{Gap: 10, Grace: 100}),
		"window-session-aggregate":    lists(SessionWindows{Gap: 10, Grace: 100}),
		"window-session-reduce":       reduce(SessionWindows{Gap: 10, Grace: 100}),
		"window-session-nulls-reduce": reduce(SessionWindows{Gap: 10}),
	})
}

// TestStreamTableJoinAsKafkaStreams plays both sides of the join.
func TestStreamTableJoinAsKafkaStreams(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]bool{"st-join": false, "st-leftJoin": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			st := tableStore(t, texts)
			f := func(_ string, l *string, r record.Opt[*string]) *string { return ptr(text(l) + "+" + text(r.V)) }
			b.play(name, map[string]Sink[string, *string]{
				"in": JoinTable(&b.env, st.Get, left, f, collect[string, *string](b)),
				"t":  TableSource(&b.env, st, Fan[string, Change[*string]](nil)),
			})
		})
	}
}

// TestTablesAsKafkaStreams plays sources, filters and mappings of tables.
func TestTablesAsKafkaStreams(t *testing.T) {
	t.Parallel()
	long := func(_ string, v *string) bool { return len(*v) > 1 }
	constant := func(*string) *string { return ptr("C") }
	noY := func(v *string) *string {
		if strings.Contains(*v, "y") {
			return nil
		}
		return v
	}
	playAll(t, map[string]func(*bench) Sink[string, *string]{
		"table-mapvalues": func(b *bench) Sink[string, *string] {
			return TableSource(&b.env, nil, mapTable(&b.env, constant, toStream[*string](b)))
		},
		"table-mapvalues-to-null": func(b *bench) Sink[string, *string] {
			return TableSource(&b.env, nil, mapTable(&b.env, noY, toStream[*string](b)))
		},
		"table-source-materialized": func(b *bench) Sink[string, *string] {
			return TableSource(&b.env, tableStore(b.t, texts), toStream[*string](b))
		},
		"table-out-of-order": func(b *bench) Sink[string, *string] {
			return TableSource(&b.env, tableStore(b.t, texts), toStream[*string](b))
		},
		"table-filter": func(b *bench) Sink[string, *string] {
			return TableSource(&b.env, nil, filterTable(&b.env, long, false, false, toStream[*string](b)))
		},
		"table-filter-of-materialized": func(b *bench) Sink[string, *string] {
			return TableSource(&b.env, tableStore(b.t, texts), filterTable(&b.env, long, false, true, toStream[*string](b)))
		},
	})
}
