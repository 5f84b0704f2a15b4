package cached_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/serde"
)

// list is an aggregate that is changed in place.
type list struct{ items []string }

func (l *list) String() string { return strings.Join(l.items, ",") }

// listSerde counts how often it is called.
type listSerde struct{ encoded, decoded *atomic.Int64 }

func newListSerde() listSerde { return listSerde{new(atomic.Int64), new(atomic.Int64)} }

func (s listSerde) Append(dst []byte, l *list) ([]byte, error) {
	s.encoded.Add(1)
	return append(dst, l.String()...), nil
}

func (s listSerde) Decode(b []byte) (*list, error) {
	s.decoded.Add(1)
	return &list{strings.Split(string(b), ",")}, nil
}

// grow changes the aggregate that it is given.
func grow(item string) func(*list, bool) *list {
	return func(l *list, had bool) *list {
		if !had {
			l = &list{}
		}
		l.items = append(l.items, item)
		for i := range l.items {
			l.items[i] = strings.ToUpper(l.items[i])
		}
		return l
	}
}

func TestTouchedAThousandTimesEncodedOnce(t *testing.T) {
	t.Parallel()
	s := newListSerde()
	r := newRig[*list](t, tableSpec, s, plenty)
	for i := range 1000 {
		r.fold("k", none, int64(i), func(l *list, had bool) *list {
			if !had {
				l = &list{}
			}
			l.items = append(l.items, "x")
			return l
		})
	}
	require.Len(t, r.flush(), 1)
	require.EqualValues(t, 1, s.encoded.Load())
	require.Zero(t, s.decoded.Load())
	require.Len(t, r.keep[0].items, 1000)
}

// What downstream keeps is never changed by what comes later, and the old value is
// not the object that the aggregator had in hand.
func TestFlushedValuesStay(t *testing.T) {
	t.Parallel()
	s := newListSerde()
	r := newRig[*list](t, tableSpec, s, plenty)
	for _, item := range []string{"a", "b", "c"} {
		r.fold("k", none, 0, grow(item))
		r.flush()
	}
	require.Equal(t, "A", r.keep[0].String())
	require.Equal(t, "A,B", r.keep[1].String())
	require.Equal(t, "A,B,C", r.keep[2].String())
	r.fold("k", none, 0, grow("d"))
	require.Equal(t, []string{"k A,B,C,D<-A,B,C @0"}, r.flush())
}

// What a join has read is its own: the next aggregator call gets another copy.
func TestReadValuesStay(t *testing.T) {
	t.Parallel()
	r := newRig[*list](t, tableSpec, newListSerde(), plenty)
	r.fold("k", none, 0, grow("a"))
	first, _, ok, err := r.c.Get("k", none)
	require.NoError(t, err)
	require.True(t, ok)
	r.fold("k", none, 0, grow("b"))
	second, _, _, err := r.c.Get("k", none)
	require.NoError(t, err)
	again, _, _, err := r.c.Get("k", none)
	require.NoError(t, err)
	r.fold("k", none, 0, grow("c"))
	require.Equal(t, "A", first.String())
	require.Equal(t, "A,B", second.String())
	require.Equal(t, "A,B", again.String())
	require.Equal(t, []string{"k A,B,C<-- @0"}, r.flush())
}

// A value that came from elsewhere, as the first of a reduce, is not changed.
func TestSharedValuesStay(t *testing.T) {
	t.Parallel()
	r := newRig[*list](t, tableSpec, newListSerde(), plenty)
	theirs := &list{[]string{"a"}}
	r.put("k", theirs, 1)
	r.fold("k", none, 2, grow("b"))
	require.Equal(t, "a", theirs.String())
	require.Equal(t, []string{"k A,B<-- @2"}, r.flush())
}

// Borrowed strings and bytes do not keep the batch that they came in alive.
func TestBorrowedValuesAreCopied(t *testing.T) {
	t.Parallel()
	batch := []byte("value")
	borrowed := unsafe.String(&batch[0], len(batch))
	texts := newRig(t, tableSpec, serde.String, plenty)
	texts.put("k", borrowed, 1)
	texts.fold("l", none, 1, func(string, bool) string { return borrowed })
	blobs := newRig(t, tableSpec, serde.Bytes, plenty)
	blobs.show = func(b []byte) string { return string(b) }
	blobs.fold("k", none, 1, func([]byte, bool) []byte { return batch })
	copy(batch, "xxxxx")
	require.Equal(t, []string{"k value<-- @1", "l value<-- @1"}, texts.flush())
	require.Equal(t, "value@1", blobs.get("k"))
	require.Equal(t, []string{"k value<-- @1"}, blobs.flush())
}

func TestAliases(t *testing.T) {
	t.Parallel()
	type flat struct {
		Name string
		N    [4]int64
	}
	type deep struct {
		flat
		Tags []string
	}
	require.False(t, cached.Aliases[int64]())
	require.False(t, cached.Aliases[flat]())
	require.False(t, cached.Aliases[[0]*int]())
	require.True(t, cached.Aliases[deep]())
	require.True(t, cached.Aliases[*int64]())
	require.True(t, cached.Aliases[any]())
	require.True(t, cached.Aliases[map[string]int]())
	require.True(t, cached.Aliases[[2]deep]())
}

// Under any mixture of folds, reads and flushes a cache is what a map is, and what
// was handed out stays as it was.
func TestMixtureOfAll(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		mixture(t, seed, int64(400+seed*100))
	}
}

func mixture(t *testing.T, seed uint64, budget int64) {
	t.Helper()
	rng := newRand(seed)
	r := newRig[*list](t, tableSpec, newListSerde(), budget)
	model := map[string]string{}
	handed := map[*list]string{}
	for i := range 400 {
		k := fmt.Sprint("k", rng.IntN(12))
		switch rng.IntN(6) {
		case 0:
			r.delete(k, int64(i))
			delete(model, k)
		case 1:
			v, _, ok, err := r.c.Get(k, none)
			require.NoError(t, err)
			want, there := model[k]
			require.Equal(t, there, ok, "seed %d step %d", seed, i)
			if ok {
				require.Equal(t, want, v.String(), "seed %d step %d", seed, i)
				handed[v] = want
			}
		case 2:
			require.NoError(t, r.c.Flush())
		default:
			r.fold(k, none, int64(i), func(l *list, had bool) *list {
				require.Equal(t, model[k] != "", had, "seed %d step %d", seed, i)
				return grow(fmt.Sprint("v", i))(l, had)
			})
			model[k] = strings.TrimPrefix(fmt.Sprintf("%s,V%d", model[k], i), ",")
		}
		for _, v := range r.keep {
			if v != nil {
				handed[v] = v.String()
			}
		}
		r.keep = nil
		require.LessOrEqual(t, r.c.Bytes(), max(budget, 0)+4<<10)
	}
	for v, want := range handed {
		require.Equal(t, want, v.String(), "seed %d", seed)
	}
	require.NoError(t, r.c.Flush())
	for k, want := range model {
		require.Contains(t, r.stored(k, newListSerde()), want+"@")
	}
}
