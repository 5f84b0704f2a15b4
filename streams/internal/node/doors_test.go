package node

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

func TestSourceDecodesAndCarriesTheContext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	*b.env.Cur = Current{Time: 9, Headers: []record.Header{{Key: "a"}}}
	in := Source(&b.env, serde.String, serde.Int64, false, collect[string, int64](b))
	require.NoError(t, in([]byte("k"), []byte{0, 0, 0, 0, 0, 0, 0, 5}))
	require.NoError(t, in(nil, []byte{0, 0, 0, 0, 0, 0, 0, 6}))
	require.NoError(t, in([]byte{}, []byte{0, 0, 0, 0, 0, 0, 0, 7}), "an empty key is a key")
	require.Equal(t, []int{1, 1, 1}, b.headers)
	require.Equal(t, []string{"k=5~9", "-=6~9", "=7~9"}, b.take())
}

func TestSourceOfANull(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var decode *DecodeError
	err := Source(&b.env, serde.String, serde.Int64, false, collect[string, int64](b))([]byte("k"), nil)
	require.ErrorAs(t, err, &decode)
	require.Equal(t, "value", decode.Part)
	require.ErrorContains(t, err, "null value; use serde.Nullable")

	require.NoError(t, Source(&b.env, serde.String, serde.Int64, true, collect[string, int64](b))([]byte("k"), nil))
	require.NoError(t, Source(&b.env, serde.String, texts, false, collect[string, *string](b))([]byte("k"), nil))
	require.NoError(t, Source(&b.env, serde.String, texts, true, collect[string, *string](b))([]byte("k"), nil))
	require.NoError(t, Source(&b.env, texts, serde.String, false, collect[*string, string](b))(nil, []byte("v")))
	null := Source(&b.env, serde.String, serde.JSON[*int](), false, collect[string, *int](b))
	require.NoError(t, null([]byte("j"), []byte("null")), "a nil pointer is a null wherever it comes from")
	require.Equal(t, []string{"k=-~0", "k=-~0", "k=-~0", "-=v~0", "j=-~0"}, b.take())
}

func TestSourceNamesThePartThatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := Source(&b.env, serde.Int32, serde.Int64, false, collect[int32, int64](b))
	var decode *DecodeError
	require.ErrorAs(t, in([]byte("x"), nil), &decode)
	require.Equal(t, "key", decode.Part)
	require.ErrorAs(t, in([]byte("1234"), []byte("x")), &decode)
	require.Equal(t, "value", decode.Part)
	require.NotNil(t, errors.Unwrap(decode))
}

// A negative time is an error, as by Kafka Streams' default timestamp extractor.
func TestSourceRefusesNegativeTimes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.env.Cur.Time = -1
	var decode *DecodeError
	require.ErrorAs(t, Source(&b.env, serde.String, serde.String, false, collect[string, string](b))(nil, nil), &decode)
	require.Equal(t, "time", decode.Part)
}

// sent is what one Emit saw, copied.
type sent struct {
	key, value, hash []byte
	time             int64
}

func emitted(all *[]sent) Emit {
	cp := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		return append([]byte{}, b...)
	}
	return func(key, value, hash []byte, time int64, _ *record.Headers) error {
		*all = append(*all, sent{cp(key), cp(value), cp(hash), time})
		return nil
	}
}

func TestOutEncodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var all []sent
	out := Out(&b.env, serde.String, serde.String, emitted(&all))
	require.NoError(t, out(rec("k", "v", 3)))
	require.NoError(t, out(rec("", "", 4)), "empty is not null")
	require.NoError(t, out(deleted("k", 5)))
	noKey := rec("", "v", 6)
	noKey.NoKey = true
	require.NoError(t, out(noKey))
	require.Equal(t, []sent{
		{[]byte("k"), []byte("v"), []byte("k"), 3},
		{[]byte{}, []byte{}, []byte{}, 4},
		{[]byte("k"), nil, []byte("k"), 5},
		{nil, []byte("v"), nil, 6},
	}, all)
}

// TestOutHashesTheInnerKey, so that all windows of a key share a partition.
func TestOutHashesTheInnerKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var all []sent
	out := Out(&b.env, serde.WindowedSession(serde.String), texts, emitted(&all))
	r := &record.Record[serde.Windowed[string], *string]{Key: serde.Windowed[string]{Key: "k"}}
	require.NoError(t, out(r))
	require.Equal(t, "k", string(all[0].hash))
	require.Len(t, all[0].key, 17)
	require.Nil(t, all[0].value, "a nil pointer is a null")
}

func TestOutNamesThePartThatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	emit := func(_, _, _ []byte, _ int64, _ *record.Headers) error { return nil }
	bad := func() {}
	err := Out(&b.env, serde.String, serde.JSON[func()](), emit)(&record.Record[string, func()]{Value: bad})
	require.ErrorContains(t, err, "encode the value")
	err = Out(&b.env, serde.JSON[func()](), serde.String, emit)(&record.Record[func(), string]{Key: bad})
	require.ErrorContains(t, err, "encode the key")
}

// TestHeaderAwareSerdesSeeHeaders: a source shows them, a sink writes what is added,
// and neighbours of the sink do not see it.
func TestHeaderAwareSerdesSeeHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mixed := serde.ByHeader("enc", "json", map[string]serde.Serde[int64]{"json": serde.JSON[int64](), "long": serde.Int64})
	var written []string
	out := Out(&b.env, mixed, mixed, func(k, v, _ []byte, _ int64, h *record.Headers) error {
		enc, _ := h.Last("enc")
		written = append(written, string(k)+"="+string(v)+" "+string(enc))
		return nil
	})
	*b.env.Cur = Current{Headers: []record.Header{{Key: "enc", Value: []byte("long")}}}
	seen := Peek(&b.env, func(r record.Record[int64, int64]) {
		enc, _ := r.Headers.Last("enc")
		written = append(written, "seen "+string(enc))
	}, drop[int64, int64])
	in := Source(&b.env, mixed, mixed, false, Fan([]Sink[int64, int64]{out, seen}))
	require.NoError(t, in([]byte{0, 0, 0, 0, 0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 2}))
	require.Equal(t, []string{"1=2 json", "seen long"}, written)
}
