package cached_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/serde"
)

func bounds(start, end int64) serde.Window { return serde.Window{Start: start, End: end} }

// found lists the sessions as text.
func (r *rig[V]) found(k string, earliestEnd, latestStart int64) (out []string) {
	r.t.Helper()
	all, err := r.c.Sessions(nil, k, earliestEnd, latestStart)
	require.NoError(r.t, err)
	for _, f := range all {
		v, _, ok, err := r.c.Take(f.Entry)
		require.NoError(r.t, err)
		require.True(r.t, ok)
		out = append(out, fmt.Sprintf("[%d,%d]=%s", f.Window.Start, f.Window.End, r.show(v)))
	}
	return out
}

func (r *rig[V]) session(k string, w serde.Window, v V) {
	r.t.Helper()
	e, err := r.c.Cell(k, w)
	require.NoError(r.t, err)
	require.NoError(r.t, r.c.Put(e, v, 0, &cached.Context{Time: w.End}))
}

func (r *rig[V]) gone(k string, w serde.Window) {
	r.t.Helper()
	e, err := r.c.Cell(k, w)
	require.NoError(r.t, err)
	require.NoError(r.t, r.c.Delete(e, &cached.Context{Time: w.End}))
}

func TestSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t, sessionSpec, serde.Int64, plenty)
	below, err := store.NewSession(r.engine, sessionSpec, serde.String, serde.Int64)
	require.NoError(t, err)
	for _, w := range []serde.Window{bounds(100, 200), bounds(300, 350), bounds(400, 500)} {
		require.NoError(t, below.Put("k", w.Start, w.End, w.Start))
	}
	require.NoError(t, below.Put("k2", 1, 2, 12))

	require.Equal(t, []string{"[100,200]=100", "[300,350]=300", "[400,500]=400"}, r.found("k", 0, 1000))
	r.gone("k", bounds(300, 350))
	r.session("k", bounds(400, 500), 444)
	r.session("k", bounds(210, 220), 210)
	r.session("k", bounds(205, 220), 205)
	r.session("kk", bounds(205, 220), 1)
	require.Equal(t, []string{"[100,200]=100", "[205,220]=205", "[210,220]=210", "[400,500]=444"}, r.found("k", 0, 1000))
	require.Equal(t, []string{"[205,220]=205"}, r.found("k", 201, 209))
	require.Equal(t, []string{"[1,2]=12"}, r.found("k2", 0, 1000))
	require.Empty(t, r.found("other", 0, 1000))

	require.Equal(t, []string{
		"k -<-300 @350 [300,350]", "k 444<-400 @0 [400,500]", "k 210<-- @0 [210,220]", "k 205<-- @0 [205,220]", "kk 1<-- @0 [205,220]",
	}, r.flush())
	require.Zero(t, r.c.Len(), "sessions are cached until they are flushed, and no longer")
	require.Equal(t, []string{"[100,200]=100", "[205,220]=205", "[210,220]=210", "[400,500]=444"}, r.found("k", 0, 1000))
}

// A session that was made and absorbed between two flushes is never seen.
func TestShortSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t, sessionSpec, serde.Int64, plenty)
	r.session("k", bounds(1, 1), 1)
	r.gone("k", bounds(1, 1))
	r.session("k", bounds(1, 5), 2)
	require.Equal(t, []string{"k 2<-- @0 [1,5]"}, r.flush())
	require.Len(t, r.logged, 1)
}

// Under any mixture the sessions of a cache are those of a model.
func TestMixtureOfSessions(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rng := newRand(seed)
		r := newRig[*list](t, sessionSpec, newListSerde(), int64(rng.IntN(4000)))
		model := map[serde.Windowed[string]]string{}
		for i := range 300 {
			start := int64(rng.IntN(20))
			w := serde.Windowed[string]{Key: fmt.Sprint("k", rng.IntN(3)), Window: bounds(start, start+int64(rng.IntN(10)))}
			switch rng.IntN(5) {
			case 0:
				r.gone(w.Key, w.Window)
				delete(model, w)
			case 1:
				require.NoError(t, r.c.Flush())
			default:
				r.session(w.Key, w.Window, &list{[]string{fmt.Sprint(i)}})
				model[w] = fmt.Sprint(i)
			}
			from, to := int64(rng.IntN(25)), int64(rng.IntN(25))
			var want []string
			for end := from; end < 40; end++ {
				for start := int64(0); start <= min(to, end); start++ {
					if v, ok := model[serde.Windowed[string]{Key: w.Key, Window: bounds(start, end)}]; ok {
						want = append(want, fmt.Sprintf("[%d,%d]=%s", start, end, v))
					}
				}
			}
			require.Equal(t, want, r.found(w.Key, from, to), "seed %d step %d", seed, i)
		}
	}
}
