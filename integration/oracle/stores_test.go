package oracle

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// row is one entry of a store or of a query's result.
type row struct {
	Key      literal `json:"key"`
	Value    literal `json:"value"`
	KeyHex   *string `json:"key_hex"`
	ValHex   *string `json:"value_hex"`
	Start    *int64  `json:"start"`
	End      *int64  `json:"end"`
	TS       *int64  `json:"ts"`
	Internal string  `json:"value_internal"` // a value of Kafka's own that is not shown
}

// entry is a row of ours, whatever its store.
type entry struct {
	key, value     []byte
	start, end, ts int64
}

// kindOf is the vectors' name of a store's kind.
func kindOf(s store.Spec) string {
	kind := map[store.Kind]string{
		store.KindKeyValue: "kv", store.KindLRU: "kv", store.KindWindow: "window",
		store.KindSession: "session", store.KindVersioned: "versioned",
	}[s.Kind]
	switch {
	case kind == "":
		return "internal"
	case s.Timestamped:
		return "timestamped_" + kind
	}
	return kind
}

// stores compares the final content of all stores.
func (r *replay) stores() {
	if r.v.tagged("store-dependent:stores") {
		return
	}
	have := map[string]store.Spec{}
	for _, s := range r.d.Stores() {
		have[s.Name] = s
	}
	r.same("stores", slices.Sorted(maps.Keys(r.v.Expect.Stores)), slices.Sorted(maps.Keys(have)))
	for name, want := range r.v.Expect.Stores {
		spec, ok := have[name]
		if !ok {
			continue
		}
		if want.Type == "internal" { // it is not listed
			continue
		}
		r.same("store "+name+", kind", want.Type, kindOf(spec))
		if kindOf(spec) != want.Type {
			continue
		}
		got, err := collect(r.content(spec, want.Entries))
		if err != nil {
			r.differ("store "+name, "its content", err)
		}
		got = r.unwindowed(name, got)
		switch {
		case r.v.cached(name) && spec.Segmented():
			got = r.recalled(spec, got)
		case spec.Segmented():
			got = r.alive(spec, got)
		}
		slices.SortStableFunc(got, entry.compare)
		r.rows("store "+name, r.sorted(want.Entries), got)
	}
}

// content lists a store. Of a versioned one it lists the latest values of all keys
// that its changelog has, or that are expected.
func (r *replay) content(s store.Spec, want []row) iter.Seq2[entry, error] {
	if s.Kind != store.KindVersioned {
		return r.ask(s, query{Q: "all"})
	}
	keys := map[string]bool{}
	for _, m := range r.d.Changelog(s.Name) {
		keys[string(m.Key)] = true
	}
	for _, w := range want {
		keys[string(bytesOf(r.t, w.KeyHex, w.Key, "string"))] = true
	}
	return func(yield func(entry, error) bool) {
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			for e, err := range r.ask(s, query{Q: "versioned_get", Key: literal{text(k)}}) {
				e.key = []byte(k)
				if !yield(e, err) {
					return
				}
			}
		}
	}
}

// cached says whether a store has a record cache in Kafka Streams.
func (v *vector) cached(name string) bool {
	if n, _ := v.Config["statestore.cache.max.bytes"].(float64); n == 0 {
		return false
	}
	for _, o := range v.Program {
		if m := o.Materialized; m != nil && m.Store == name && m.Caching != nil {
			return *m.Caching
		}
	}
	return true
}

// alive leaves out of a store of windows or sessions what has expired by the times of
// its changelog: the store's own time counts removals too, but our reader, which is new,
// finds only what is there.
func (r *replay) alive(spec store.Spec, got []entry) []entry {
	timeOf := keyenc.WindowTime
	if spec.Kind == store.KindSession {
		timeOf = keyenc.SessionTime
	}
	oldest, decoder := int64(math.MinInt64), changelog.NewDecoder(spec)
	for _, m := range r.d.Changelog(spec.Name) {
		muts, err := decoder.Mutations(m.Key, m.Value, m.Time, m.Headers...)
		require.NoError(r.t, err)
		for _, mut := range muts {
			_, at, err := timeOf(mut.Key)
			require.NoError(r.t, err)
			oldest = max(oldest, at-spec.Retention.Milliseconds()+1)
		}
	}
	return slices.DeleteFunc(got, func(e entry) bool {
		return spec.Kind == store.KindWindow && e.start < oldest || spec.Kind == store.KindSession && e.end < oldest
	})
}

// recalled adds to the content of a cached store of windows or sessions what has
// expired. Kafka Streams' caches do not expire, and so list all that they ever held; for
// us the changelog tells it.
func (r *replay) recalled(spec store.Spec, got []entry) []entry {
	spec.Retention = 1 << 60
	all := memstore.New()
	e, err := all.Engine(spec)
	require.NoError(r.t, err)
	decoder := changelog.NewDecoder(spec)
	for _, m := range r.d.Changelog(spec.Name) {
		muts, err := decoder.Mutations(m.Key, m.Value, m.Time, m.Headers...)
		require.NoError(r.t, err)
		require.NoError(r.t, all.Apply(spec.Name, muts, nil))
	}
	rows, err := collect(r.askOf(e, spec, query{Q: "all"}))
	require.NoError(r.t, err)
	kept := map[string]bool{}
	for _, e := range rows {
		kept[fmt.Sprint(e)] = true
	}
	for _, e := range got {
		if !kept[fmt.Sprint(e)] {
			r.differ("store "+spec.Name, "what its changelog has", e.line(row{Start: &e.start}))
		}
	}
	return rows
}

func collect(seq iter.Seq2[entry, error]) (out []entry, err error) {
	for e, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, entry{bytes.Clone(e.key), bytes.Clone(e.value), e.start, e.end, e.ts})
	}
	return out, nil
}

// rows compares entries with what of them is expected.
func (r *replay) rows(where string, want []row, got []entry) {
	var a, b []string
	for i := range max(len(want), len(got)) {
		shape := row{}
		if i < len(want) {
			shape = want[i]
			a = append(a, r.expectedRow(shape))
		}
		if i < len(got) {
			b = append(b, got[i].line(shape))
		}
	}
	if !slices.Equal(a, b) {
		r.differ(where, "\n"+strings.Join(a, "\n"), "\n"+strings.Join(b, "\n"))
	}
}

// sorted orders rows by the bytes of their keys; the vectors have them by their text.
func (r *replay) sorted(rows []row) []row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b row) int { return r.entry(a).compare(r.entry(b)) })
	return rows
}

// compare orders by key, then by start.
func (e entry) compare(o entry) int {
	return cmp.Or(bytes.Compare(e.key, o.key), cmp.Compare(e.start, o.start), cmp.Compare(e.end, o.end))
}

func (r *replay) expectedRow(w row) string { return r.entry(w).line(w) }

func (r *replay) entry(w row) entry {
	e := entry{key: bytesOf(r.t, w.KeyHex, w.Key, "string"), value: bytesOf(r.t, w.ValHex, w.Value, "string")}
	for from, to := range map[*int64]*int64{w.Start: &e.start, w.End: &e.end, w.TS: &e.ts} {
		if from != nil {
			*to = *from
		}
	}
	return e
}

// line shows what the expected row tells of an entry.
func (e entry) line(shape row) string {
	var b strings.Builder
	if shape.Key.v != nil || shape.KeyHex != nil {
		b.WriteString(show(e.key) + " ")
	}
	if shape.Start != nil {
		fmt.Fprintf(&b, "from %d ", e.start)
	}
	if shape.End != nil {
		fmt.Fprintf(&b, "to %d ", e.end)
	}
	if shape.Internal == "" {
		b.WriteString("= " + show(e.value))
	}
	if shape.TS != nil {
		fmt.Fprintf(&b, " @%d", e.ts)
	}
	return b.String()
}

// query is one question to a store.
type query struct {
	Store  string  `json:"store"`
	Q      string  `json:"q"`
	Key    literal `json:"key"`
	From   literal `json:"from"`
	To     literal `json:"to"`
	Prefix literal `json:"prefix"`
	Start  int64   `json:"start"`
	TFrom  int64   `json:"time_from"`
	TTo    int64   `json:"time_to"`
	AsOf   int64   `json:"as_of"`
}

// query asks and compares the answer.
func (r *replay) query(i int, q query, want []row) {
	_, spec := r.d.Store(q.Store)
	got, err := collect(r.ask(spec, q))
	where := fmt.Sprintf("step %d, query %s of %s", i, q.Q, q.Store)
	if err != nil {
		r.differ(where, "an answer", err)
	}
	r.rows(where, want, got)
}

func (l literal) bytes() []byte {
	if l.v == nil {
		return nil
	}
	if l.v.kind == 'n' {
		b, _ := datum{"long"}.Append(nil, l.v)
		return b
	}
	return []byte(l.v.s)
}

// span is a range of keys; a null bound is open.
func (q query) span() (s store.Span[[]byte]) {
	if q.From.v != nil {
		s.From = record.Some(q.From.bytes())
	}
	if q.To.v != nil {
		s.To = record.Some(q.To.bytes())
	}
	return s
}

// ask puts a question to a store of any kind.
func (r *replay) ask(s store.Spec, q query) iter.Seq2[entry, error] {
	from, spec := r.d.Store(s.Name)
	return r.askOf(from, spec, q)
}

func (r *replay) askOf(from store.Reader, spec store.Spec, q query) iter.Seq2[entry, error] {
	switch {
	case spec.Kind == store.KindWindow:
		w, err := store.NewReadOnlyWindow(from, spec, serde.Bytes, serde.Bytes)
		return orFail(err, func() iter.Seq2[entry, error] { return askWindow(w, q) })
	case spec.Kind == store.KindSession:
		w, err := store.NewReadOnlySession(from, spec, serde.Bytes, serde.Bytes)
		return orFail(err, func() iter.Seq2[entry, error] { return askSession(w, q) })
	case spec.Kind == store.KindVersioned:
		v, err := store.NewReadOnlyVersioned(from, spec, serde.Bytes, serde.Bytes)
		return orFail(err, func() iter.Seq2[entry, error] { return askVersioned(v, q) })
	case spec.Timestamped:
		return askTimed(store.NewReadOnlyTimestampedKV(from, serde.Bytes, serde.Bytes), q)
	}
	return askKV(store.NewReadOnlyKV(from, serde.Bytes, serde.Bytes), q)
}

func orFail(err error, ask func() iter.Seq2[entry, error]) iter.Seq2[entry, error] {
	if err != nil {
		return one(entry{}, true, err)
	}
	return ask()
}

// one is an answer of one entry, or none.
func one(e entry, ok bool, err error) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if ok || err != nil {
			yield(e, err)
		}
	}
}

// entries makes entries of what a view yields.
func entries[E any](seq iter.Seq2[E, error], of func(E) entry) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range seq {
			if !yield(of(e), err) {
				return
			}
		}
	}
}

// unasked is the answer to a question that the store does not know.
func unasked(q query) iter.Seq2[entry, error] {
	return one(entry{}, false, fmt.Errorf("no query %s of such a store", q.Q))
}

func askTimed(s *store.ReadOnlyTimestampedKV[[]byte, []byte], q query) iter.Seq2[entry, error] {
	of := func(e store.TimestampedEntry[[]byte, []byte]) entry {
		return entry{key: e.Key, value: e.Value, ts: e.Time}
	}
	switch q.Q {
	case "get":
		v, ts, ok, err := s.Get(q.Key.bytes())
		return one(entry{value: v, ts: ts}, ok, err)
	case "all":
		return entries(s.All(), of)
	case "reverse_all":
		return entries(s.ReverseAll(), of)
	case "range", "reverse_range":
		return entries(s.Select(q.span(), q.Q == "reverse_range"), of)
	case "prefix":
		return entries(s.Prefix(q.Prefix.bytes()), of)
	}
	return unasked(q)
}

func askKV(s *store.ReadOnlyKV[[]byte, []byte], q query) iter.Seq2[entry, error] {
	of := func(e store.Entry[[]byte, []byte]) entry { return entry{key: e.Key, value: e.Value} }
	switch q.Q {
	case "get":
		v, ok, err := s.Get(q.Key.bytes())
		return one(entry{value: v}, ok, err)
	case "all":
		return entries(s.All(), of)
	case "reverse_all":
		return entries(s.ReverseAll(), of)
	case "range", "reverse_range":
		return entries(s.Select(q.span(), q.Q == "reverse_range"), of)
	case "prefix":
		return entries(s.Prefix(q.Prefix.bytes()), of)
	}
	return unasked(q)
}

func askVersioned(s *store.ReadOnlyVersioned[[]byte, []byte], q query) iter.Seq2[entry, error] {
	get := func() (store.Version[[]byte], bool, error) { return s.Get(q.Key.bytes()) }
	switch q.Q {
	case "versioned_get":
	case "versioned_get_as_of":
		get = func() (store.Version[[]byte], bool, error) { return s.GetAsOf(q.Key.bytes(), q.AsOf) }
	default:
		return unasked(q)
	}
	v, ok, err := get()
	return one(entry{value: v.Value, ts: v.From}, ok, err)
}

func askWindow(s *store.ReadOnlyWindow[[]byte, []byte], q query) iter.Seq2[entry, error] {
	of := func(e store.WindowEntry[[]byte, []byte]) entry {
		return entry{key: e.Key.Key, value: e.Value, start: e.Key.Window.Start, end: e.Key.Window.End, ts: e.Time}
	}
	switch q.Q {
	case "window_get":
		v, ts, ok, err := s.Get(q.Key.bytes(), q.Start)
		return one(entry{value: v, ts: ts}, ok, err)
	case "window_fetch":
		return entries(s.Fetch(q.Key.bytes(), q.TFrom, q.TTo), of)
	case "window_backward_fetch":
		return entries(s.BackwardFetch(q.Key.bytes(), q.TFrom, q.TTo), of)
	case "window_fetch_range":
		return entries(s.FetchRange(q.span(), q.TFrom, q.TTo), of)
	case "window_fetch_all":
		return entries(s.FetchAll(q.TFrom, q.TTo), of)
	case "window_all", "all":
		return entries(s.All(), of)
	}
	return unasked(q)
}

func askSession(s *store.ReadOnlySession[[]byte, []byte], q query) iter.Seq2[entry, error] {
	of := func(e store.SessionEntry[[]byte, []byte]) entry {
		return entry{key: e.Key.Key, value: e.Value, start: e.Key.Window.Start, end: e.Key.Window.End}
	}
	switch q.Q {
	case "session_fetch":
		return entries(s.Fetch(q.Key.bytes()), of)
	case "session_fetch_range":
		return entries(s.FetchRange(q.span()), of)
	case "session_find":
		return entries(s.Find(q.Key.bytes(), q.TFrom, q.TTo), of)
	case "session_get":
		v, ok, err := s.Get(q.Key.bytes(), q.TFrom, q.TTo)
		return one(entry{value: v}, ok, err)
	case "all":
		return entries(s.All(), of)
	}
	return unasked(q)
}
