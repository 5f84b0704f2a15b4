package serde_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/serde"
)

func TestFixedSizesRefuseOtherLengths(t *testing.T) {
	t.Parallel()
	nine := []byte("secret!!!")
	refuse := func(_ any, err error) {
		t.Helper()
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
	refuse(wrap(serde.Int64.Decode(nine)))
	refuse(wrap(serde.Int32.Decode(nine)))
	refuse(wrap(serde.Float64.Decode(nine)))
	refuse(wrap(serde.Bool.Decode(nine)))
	refuse(wrap(serde.Bool.Decode([]byte{2})))
	refuse(wrap(serde.UUID.Decode(nine)))
	refuse(wrap(serde.UUID.Decode([]byte("secret--0000-0000-0000-000000000000x"))))
}

func wrap[T any](v T, err error) (any, error) { return v, err }

// TestDecodeCopies: stores reuse the bytes that they decode.
func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	b := []byte("abc")
	s, err := serde.String.Decode(b)
	require.NoError(t, err)
	v, err := serde.Bytes.Decode(b)
	require.NoError(t, err)
	shared, err := serde.Bytes.(serde.Borrower[[]byte]).DecodeShared(b)
	require.NoError(t, err)
	b[0] = 'x'
	require.Equal(t, "abc", s)
	require.Equal(t, []byte("abc"), v)
	require.Equal(t, []byte("xbc"), shared)
	require.Equal(t, 3, cap(shared), "an append must not reach what lies behind")
}

func TestBytesOfNothingAreEmpty(t *testing.T) {
	t.Parallel()
	v, err := serde.Bytes.Decode([]byte{})
	require.NoError(t, err)
	require.NotNil(t, v)
}

// TestNoAllocations: the record path encodes and borrows for free. Not parallel,
// because others would be counted.
func TestNoAllocations(t *testing.T) {
	buf, text := make([]byte, 0, 128), []byte("hello")
	key := serde.WindowedTime(serde.String, time.Minute)
	w := serde.Windowed[string]{Key: "k", Window: serde.Window{Start: 60_000, End: 120_000}}
	borrow := serde.String.(serde.Borrower[string])
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = serde.String.Append(buf, "hello")
		_, _ = serde.Int64.Append(buf, 7)
		_, _ = serde.UUID.Append(buf, uuid.UUID{1})
		_, _ = key.Append(buf, w)
		_, _ = borrow.DecodeShared(text)
	}))
}

type order struct {
	ID  string `json:"id"`
	Qty int    `json:"qty"`
}

func TestJSON(t *testing.T) {
	t.Parallel()
	same(t, serde.JSON[order](), order{ID: "o<1>", Qty: 2}, []byte(`{"id":"o\u003c1\u003e","qty":2}`))
	same(t, serde.JSON[map[string]int](), map[string]int{"a": 1}, []byte(`{"a":1}`))
}

// TestJSONErrorsNameTheFault, the type and the field, and no payload.
func TestJSONErrorsNameTheFault(t *testing.T) {
	t.Parallel()
	s := serde.JSON[order]()
	_, err := s.Decode([]byte(`{"id": secret`))
	require.ErrorContains(t, err, "decode serde_test.order: not valid JSON at byte")
	_, err = s.Decode([]byte(`{"id":"a","qty":"secret"}`))
	require.ErrorContains(t, err, `field "qty"`)
	require.NotContains(t, err.Error(), "secret")
	_, err = s.Decode([]byte(`{"id":"a","qty":1234567.5}`))
	require.ErrorContains(t, err, `field "qty"`)
	require.NotContains(t, err.Error(), "1234567")
	_, err = serde.JSON[time.Time]().Decode([]byte(`"secret"`))
	require.ErrorContains(t, err, "time.Time")
	require.NotContains(t, err.Error(), "secret")
	_, err = serde.JSON[float64]().Append(nil, math.Inf(1))
	require.ErrorContains(t, err, "encode float64")
}

func TestNullable(t *testing.T) {
	t.Parallel()
	s := serde.Nullable(serde.String)
	aware := s.(serde.NullAware[*string])
	require.Nil(t, aware.Null())
	require.True(t, aware.IsNull(nil))
	text := ""
	require.False(t, aware.IsNull(&text))
	same(t, s, &text, []byte{})
	for _, decode := range []func([]byte) (*string, error){s.Decode, s.(serde.Borrower[*string]).DecodeShared} {
		v, err := decode(nil)
		require.NoError(t, err)
		require.Nil(t, v)
		v, err = decode([]byte("a"))
		require.NoError(t, err)
		require.Equal(t, "a", *v)
	}
	_, err := s.Append(nil, nil)
	require.Error(t, err)
}

// TestNullableOfWhatCannotBorrow falls back to a copy, errors included.
func TestNullableOfWhatCannotBorrow(t *testing.T) {
	t.Parallel()
	s := serde.Nullable(serde.Int64).(serde.Borrower[*int64])
	v, err := s.DecodeShared([]byte{0, 0, 0, 0, 0, 0, 0, 9})
	require.NoError(t, err)
	require.EqualValues(t, 9, *v)
	_, err = s.DecodeShared([]byte{1})
	require.Error(t, err)
	_, err = serde.Nullable(serde.Bool).Decode([]byte{9})
	require.Error(t, err)
}

func TestWindowedKeysRefuseNonsense(t *testing.T) {
	t.Parallel()
	_, err := serde.WindowedTime(serde.String, time.Second).Decode([]byte("short"))
	require.Error(t, err)
	_, err = serde.WindowedSession(serde.String).Decode(make([]byte, 15))
	require.Error(t, err)
	backwards := append([]byte{0, 0, 0, 0, 0, 0, 0, 1}, 0, 0, 0, 0, 0, 0, 0, 2)
	_, err = serde.WindowedSession(serde.String).Decode(backwards)
	require.ErrorContains(t, err, "end before it starts")
	_, err = serde.WindowedTime(serde.Int64, time.Second).Decode(make([]byte, 9))
	require.ErrorContains(t, err, "windowed key")
}

// TestWindowEndsWithTime: no window wraps around.
func TestWindowEndsWithTime(t *testing.T) {
	t.Parallel()
	s := serde.WindowedTime(serde.String, time.Minute)
	b, err := s.Append(nil, serde.Windowed[string]{Window: serde.Window{Start: math.MaxInt64 - 5}})
	require.NoError(t, err)
	w, err := s.Decode(b)
	require.NoError(t, err)
	require.EqualValues(t, math.MaxInt64, w.Window.End)
}

func TestPartitionOfNoKeyIsAny(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, -1, serde.Partition(nil, 4))
	require.EqualValues(t, -1, serde.Partition([]byte("a"), 0))
	require.GreaterOrEqual(t, serde.Partition([]byte{}, 4), int32(0))
}

func TestInnerKeyOfShortBytes(t *testing.T) {
	t.Parallel()
	s := serde.WindowedSession(serde.String).(serde.InnerKey)
	require.Equal(t, []byte("abc"), s.InnerKey([]byte("abc")))
}
