package oracle

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// application is one of the captured applications, in Go.
type application struct {
	b      *streams.Builder
	prefix string
}

type (
	texts = streams.Stream[string, string]
	rows  = streams.Table[string, string]
)

func (a application) topic(name string) streams.Topic[string, string] {
	return streams.NewTopic(a.prefix+"-"+name, serde.String, serde.String)
}

func (a application) in(n int) texts { return a.b.Stream(a.topic(fmt.Sprint("in", n))) }

func (a application) table(n int, opts ...streams.TableOption) rows {
	return a.b.Table(a.topic(fmt.Sprint("in", n)), opts...)
}

func (a application) out(s texts) { s.To(a.topic("out")) }

// counts writes counts as text.
func (a application) counts(t streams.Table[string, int64]) {
	a.out(t.ToStream().MapValues(decimal).WithValueSerde(serde.String))
}

// windows writes windowed counts as text, under a text that has the window.
func (a application) windows(t streams.WindowedTable[string, int64]) {
	named := t.ToStream(func(w streams.Windowed[string]) string {
		return fmt.Sprintf("%s@%d/%d", w.Key, w.Window.Start, w.Window.End)
	})
	a.out(named.WithKeySerde(serde.String).MapValues(decimal).WithValueSerde(serde.String))
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

var noWord = regexp.MustCompile(`\W+`)

func (a application) words() streams.Grouped[string, string] {
	split := func(line string) []string { return noWord.Split(strings.ToLower(line), -1) }
	return a.in(1).FlatMapValues(split).GroupBy(func(_, word string) string { return word }, serde.String)
}

func (a application) grouped() streams.Grouped[string, string] { return a.in(1).GroupByKey() }

func tumbling() streams.TimeWindows { return streams.Tumbling(10 * time.Second).Grace(5 * time.Second) }

// both joins two values as the applications do; a missing one is the word null.
func both(l, r streams.Opt[string]) string {
	text := func(v streams.Opt[string]) string {
		if !v.OK {
			return "null"
		}
		return v.V
	}
	return text(l) + "+" + text(r)
}

func inner(_, l, r string) string {
	return both(streams.Opt[string]{V: l, OK: true}, streams.Opt[string]{V: r, OK: true})
}
func left(_, l string, r streams.Opt[string]) string {
	return both(streams.Opt[string]{V: l, OK: true}, r)
}
func outer(_ string, l, r streams.Opt[string]) string { return both(l, r) }
func joined(acc, v string) string                     { return acc + "," + v }
func beforeColon(_, v string) (string, bool)          { k, _, _ := strings.Cut(v, ":"); return k, true }
func within() streams.JoinWindow                      { return streams.Within(5 * time.Second).Grace(2 * time.Second) }
func (a application) leftJoin(o ...streams.JoinOption) {
	a.out(a.in(1).LeftJoin(a.in(2), within(), left, o...).WithValueSerde(serde.String))
}
func (a application) outerJoin(o ...streams.JoinOption) {
	a.out(a.in(1).OuterJoin(a.in(2), within(), outer, o...).WithValueSerde(serde.String))
}

// applications are the captured ones, by the name of their topology.
var applications = map[string]func(application){
	"count":          func(a application) { a.counts(a.words().Count(streams.As("counts"))) },
	"count-unnamed":  func(a application) { a.counts(a.words().Count()) },
	"countbykey":     func(a application) { a.counts(a.grouped().Count(streams.As("counts"))) },
	"reduce-unnamed": func(a application) { a.out(a.grouped().Reduce(joined).ToStream()) },
	"wincount": func(a application) {
		t := a.grouped().WindowedBy(tumbling()).Count(streams.As("wcounts")).ToStream(streams.WindowedKey[string])
		t.MapValues(decimal).To(streams.NewTopic(a.prefix+"-out", serde.WindowedTime(serde.String, 10*time.Second), serde.String))
	},
	"hopcount": func(a application) {
		w := streams.Hopping(10*time.Second, 5*time.Second).Grace(5 * time.Second)
		a.windows(a.grouped().WindowedBy(w).Count(streams.As("hcounts")))
	},
	"slidecount": func(a application) {
		w := streams.Sliding(5 * time.Second).Grace(5 * time.Second)
		a.windows(a.grouped().WindowedBy(w).Count(streams.As("scounts")))
	},
	"emitfinal": func(a application) {
		a.windows(a.grouped().WindowedBy(tumbling()).EmitOnClose().Count(streams.As("ecounts")))
	},
	"sesscount": func(a application) {
		w := streams.SessionGap(5 * time.Second).Grace(5 * time.Second)
		t := a.grouped().SessionsBy(w).Count(streams.As("sesscounts")).ToStream(streams.WindowedKey[string])
		t.MapValues(decimal).To(streams.NewTopic(a.prefix+"-out", serde.WindowedSession(serde.String), serde.String))
	},
	"innerjoin":          func(a application) { a.out(a.in(1).Join(a.in(2), within(), inner).WithValueSerde(serde.String)) },
	"leftjoin":           func(a application) { a.leftJoin() },
	"leftjoin-named":     func(a application) { a.leftJoin(streams.As("ljn")) },
	"leftjoin-storename": func(a application) { a.leftJoin(streams.WithJoinStores("lj")) },
	"outerjoin":          func(a application) { a.outerJoin() },
	"outerjoin-named":    func(a application) { a.outerJoin(streams.As("oj"), streams.WithJoinStores("ojstore")) },
	"join-repart": func(a application) {
		wide := func(k, _ string) string { return k + "x" }
		l, r := a.in(1).SelectKey(wide).WithKeySerde(serde.String), a.in(2).SelectKey(wide).WithKeySerde(serde.String)
		a.out(l.Join(r, within(), inner).WithValueSerde(serde.String))
	},
	"papi": func(a application) { a.processor() },
	"ttjoin": func(a application) {
		l, r := a.table(1, streams.As("left")), a.table(2, streams.As("right"))
		a.out(l.LeftJoin(r, left).Materialize(serde.String, streams.As("joined")).ToStream())
	},
	"fkjoin": func(a application) {
		l, r := a.table(1, streams.As("orders")), a.table(2, streams.As("customers"))
		a.out(l.LeftJoinFK(r, beforeColon, left).Materialize(serde.String, streams.As("fkjoined")).ToStream())
	},
	"fkjoin-named": func(a application) {
		a.out(a.table(1).JoinFK(a.table(2), beforeColon, inner, streams.As("fk")).ToStream().WithValueSerde(serde.String))
	},
	"suppress": func(a application) {
		a.windows(a.grouped().WindowedBy(tumbling()).Count(streams.As("wcounts")).Suppress(streams.UntilWindowCloses()))
	},
	"suppress-named": func(a application) {
		e := streams.UntilTimeLimit(30 * time.Second)
		a.counts(a.grouped().Count(streams.As("counts")).Suppress(e, streams.MaxRecords(1000), streams.As("sup")))
	},
	"versioned": func(a application) {
		t := a.table(2, streams.As("vtable"), streams.WithHistory(time.Minute))
		a.out(a.in(1).JoinTable(t, inner, streams.WithGrace(5*time.Second), streams.As("grace")).WithValueSerde(serde.String))
	},
	"tablegroup": func(a application) {
		g := a.table(1, streams.As("base")).GroupBy(func(_, v string) (string, string) {
			k, _, _ := strings.Cut(v, ":")
			return k, v
		}, serde.String, serde.String)
		plus := func(_, v, agg string) string { return agg + "+" + v }
		minus := func(_, v, agg string) string { return agg + "-" + v }
		a.out(g.Aggregate(func() string { return "" }, plus, minus, serde.String, streams.As("tagg")).ToStream())
	},
	"globaltable": func(a application) {
		s := a.in(1)
		t := a.b.GlobalTable(a.topic("in2"), streams.As("gtable"))
		a.out(s.LeftJoinGlobal(t, func(k, _ string) string { return k }, left).WithValueSerde(serde.String))
	},
	"repartition": func(a application) {
		s := a.in(1).SelectKey(func(_, v string) string { return v }).WithKeySerde(serde.String)
		g := s.Repartition(streams.As("byvalue"), streams.WithPartitions(3)).GroupByKey()
		a.out(g.Reduce(joined, streams.AsOperator("red"), streams.As("reduced")).ToStream(streams.As("ts")))
	},
}

// processor puts each record into stores of several kinds; DEL deletes.
func (a application) processor() {
	text := serde.String
	plain, timed := streams.KVStore("kvplain", text, text), streams.TimestampedKVStore("kvts", text, text)
	lru := streams.KVStore("lru", text, text, streams.LRU(2))
	windows := streams.WindowStore("wplain", text, text, 10*time.Second, time.Minute)
	lists := streams.WindowStore("wdup", text, text, 10*time.Second, time.Minute, streams.RetainDuplicates())
	sessions := streams.SessionStore("sess", text, text, time.Minute)
	s := a.in(1).Process(func(c *streams.Context[string, string]) streams.Processor[string, string] {
		kv, ts, bounded := plain.In(c), timed.In(c), lru.In(c)
		w, l, ss := windows.In(c), lists.In(c), sessions.In(c)
		return streams.ProcessorFunc[string, string](func(r streams.Record[string, string]) error {
			start := r.Time - r.Time%10_000
			if r.Value == "DEL" {
				return errors.Join(kv.Delete(r.Key), bounded.Delete(r.Key), ts.Delete(r.Key), w.Delete(r.Key, start),
					l.Delete(r.Key, start), ss.Remove(r.Key, r.Time, r.Time+500), c.Forward(r))
			}
			return errors.Join(kv.Put(r.Key, r.Value), bounded.Put(r.Key, r.Value), ts.Put(r.Key, r.Value, r.Time+1),
				w.Put(r.Key, start, r.Value, r.Time), l.Put(r.Key, start, r.Value, r.Time),
				ss.Put(r.Key, r.Time, r.Time+500, r.Value), c.Forward(r))
		})
	}, streams.Uses(plain, timed, lru, windows, lists, sessions))
	a.out(s.WithKeySerde(text).WithValueSerde(text))
}
