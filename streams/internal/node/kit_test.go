package node

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// bench is the surroundings of one operator under test: its Env, the count of
// what it skipped, and a line for each record that came out.
type bench struct {
	t       testing.TB
	env     Env
	skipped []string
	out     []string
	headers []int // of each record that came out
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t}
	b.env = Env{Cur: &Current{}, Skip: func(reason string) { b.skipped = append(b.skipped, reason) }}
	return b
}

// collect is a sink that writes down what comes, as "key=value~time".
func collect[K, V any](b *bench) Sink[K, V] {
	return func(r *record.Record[K, V]) error {
		require.NotNil(b.t, r.Headers, "operators never send nil headers")
		b.headers = append(b.headers, r.Headers.Len())
		b.out = append(b.out, fmt.Sprintf("%s=%s~%d", show(r.Key, r.NoKey), show(r.Value, r.Null), r.Time))
		return nil
	}
}

func show(v any, null bool) string {
	if null {
		return "-"
	}
	switch v := v.(type) {
	case *string:
		return *v
	case serde.Windowed[string]:
		return fmt.Sprintf("%s@%d/%d", v.Key, v.Window.Start, v.Window.End)
	}
	return fmt.Sprint(v)
}

// take returns and forgets what came out.
func (b *bench) take() []string {
	out := b.out
	b.out, b.headers = nil, nil
	return out
}

// rec is a record as a source makes it.
func rec[V any](k string, v V, ts int64) *record.Record[string, V] {
	return &record.Record[string, V]{Key: k, Value: v, Time: ts, Headers: record.NewHeaders()}
}

func ptr[T any](v T) *T { return &v }

// text is str(x) of the vectors: nil is the word null.
func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

var texts = serde.Nullable(serde.String)

func engineOf(t testing.TB, spec store.Spec) store.Engine {
	e, err := memstore.New().Engine(spec)
	require.NoError(t, err)
	return e
}

func tableStore[V any](t testing.TB, vs serde.Serde[V]) *store.TimestampedKV[string, V] {
	e := engineOf(t, store.Spec{Name: "t", Kind: store.KindKeyValue, Timestamped: true})
	return store.NewTimestampedKV(e, serde.String, vs)
}

func windowStore[V any](t testing.TB, w TimeWindows, vs serde.Serde[V]) *store.Window[string, V] {
	spec := store.Spec{
		Name: "w", Kind: store.KindWindow, Timestamped: true,
		WindowSize: time.Duration(w.Size) * time.Millisecond,
		Retention:  time.Duration(w.Size+w.Grace) * time.Millisecond,
	}
	st, err := store.NewWindow(engineOf(t, spec), spec, serde.String, vs)
	require.NoError(t, err)
	return st
}

func sessionStore[V any](t testing.TB, s SessionWindows, vs serde.Serde[V]) *store.Session[string, V] {
	spec := store.Spec{Name: "s", Kind: store.KindSession, Retention: time.Duration(s.Gap+s.Grace) * time.Millisecond}
	st, err := store.NewSession(engineOf(t, spec), spec, serde.String, vs)
	require.NoError(t, err)
	return st
}

// play runs a transcript of Kafka Streams: lines "[topic] key value time -> out
// ... [dropped=n]", with - for null. feeds has the sink of each topic, "" if
// there is one only.
func (b *bench) play(name string, feeds map[string]Sink[string, *string]) {
	b.t.Helper()
	script, err := os.ReadFile("testdata/" + name + ".txt")
	require.NoError(b.t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(script)), "\n") {
		in, want, _ := strings.Cut(line, " ->")
		b.out, b.skipped = nil, nil
		f := strings.Fields(in)
		topic := strings.Join(f[:len(f)-3], "")
		require.NoError(b.t, feeds[topic](parse(b.t, f[len(f)-3:])), line)
		if n := len(b.skipped); n > 0 {
			b.out = append(b.out, fmt.Sprintf("dropped=%d", n))
		}
		require.Equal(b.t, strings.Fields(want), append([]string{}, b.out...), line)
	}
}

// parse reads "key value time".
func parse(t testing.TB, f []string) *record.Record[string, *string] {
	r := rec[*string](f[0], nil, 0)
	if f[0] == "-" {
		r.Key, r.NoKey = "", true
	}
	if r.Null = f[1] == "-"; !r.Null {
		r.Value = &f[1]
	}
	_, err := fmt.Sscan(f[2], &r.Time)
	require.NoError(t, err)
	return r
}

// filterTable and mapTable are steps without a store.
func filterTable[V any](env *Env, pred func(string, V) bool, negate, drop bool, next Sink[string, Change[V]]) Sink[string, Change[V]] {
	return TableStep(env, FilterRows(pred, negate), Step[string, V]{Drop: drop}, next)
}

func mapTable[V, V2 any](env *Env, f func(V) V2, next Sink[string, Change[V2]]) Sink[string, Change[V]] {
	step := Step[string, V2]{Keep: Keep[string, V2]{Olds: true}}
	return TableStep(env, MapRows(func(_ string, v V) V2 { return f(v) }), step, next)
}
