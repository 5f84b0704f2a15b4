package serde_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// numbers reads and writes int64 as bytes or as JSON.
func numbers(write string) serde.Serde[int64] {
	return serde.ByHeader("encoding", write, map[string]serde.Serde[int64]{
		"long": serde.Int64, "json": serde.JSON[int64](), "none": nil,
	})
}

func TestByHeaderReadsWhatTheHeaderSays(t *testing.T) {
	t.Parallel()
	s := numbers("long").(serde.HeaderAware[int64])
	for header, b := range map[string][]byte{"long": {0, 0, 0, 0, 0, 0, 0, 7}, "json": []byte("7")} {
		v, err := s.DecodeWith(record.NewHeaders(record.Header{Key: "encoding", Value: []byte(header)}), b)
		require.NoError(t, err)
		require.EqualValues(t, 7, v)
	}
	v, err := s.DecodeWith(record.NewHeaders(), []byte{0, 0, 0, 0, 0, 0, 0, 8})
	require.NoError(t, err, "without the header it is what is written")
	require.EqualValues(t, 8, v)
}

func TestByHeaderWritesTheHeaderOnce(t *testing.T) {
	t.Parallel()
	s := numbers("json").(serde.HeaderAware[int64])
	h := record.NewHeaders(record.Header{Key: "encoding", Value: []byte("long")}, record.Header{Key: "x"})
	for range 2 {
		b, err := s.AppendWith(h, []byte(">"), 7)
		require.NoError(t, err)
		require.Equal(t, ">7", string(b))
		require.Equal(t, []record.Header{{Key: "x"}, {Key: "encoding", Value: []byte("json")}}, h.All())
	}
}

// Stores have no headers: there it is the serde that is written.
func TestByHeaderWithoutHeaders(t *testing.T) {
	t.Parallel()
	same(t, numbers("json"), 7, []byte("7"))
	same(t, numbers("long"), 7, []byte{0, 0, 0, 0, 0, 0, 0, 7})
}

func TestByHeaderNamesWhatItKnowsAndNotWhatItGot(t *testing.T) {
	t.Parallel()
	s := numbers("long").(serde.HeaderAware[int64])
	for _, bad := range []string{"secret", "none"} {
		_, err := s.DecodeWith(record.NewHeaders(record.Header{Key: "encoding", Value: []byte(bad)}), []byte("7"))
		require.ErrorContains(t, err, `"encoding" names none of the encodings ["json" "long" "none"]`)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := numbers("other").Append(nil, 1)
	require.ErrorContains(t, err, "add a choice")
}

func TestNullableKeepsHeadersInSight(t *testing.T) {
	t.Parallel()
	_, plain := serde.Nullable(serde.Int64).(serde.HeaderAware[*int64])
	require.False(t, plain)
	s := serde.Nullable(numbers("json")).(serde.HeaderAware[*int64])
	h := record.NewHeaders()
	b, err := s.AppendWith(h, nil, ptr(int64(7)))
	require.NoError(t, err)
	require.Equal(t, "7", string(b))
	require.Equal(t, 1, h.Len())
	v, err := s.DecodeWith(h, b)
	require.NoError(t, err)
	require.EqualValues(t, 7, *v)
	v, err = s.DecodeWith(h, nil)
	require.NoError(t, err)
	require.Nil(t, v)
	_, err = s.AppendWith(h, nil, nil)
	require.ErrorContains(t, err, "null has no encoding")
	_, err = s.DecodeWith(h, []byte("no number"))
	require.Error(t, err)
}

func TestNothingIsNull(t *testing.T) {
	t.Parallel()
	aware := serde.Nothing.(serde.NullAware[serde.Void])
	require.True(t, aware.IsNull(aware.Null()))
	_, err := serde.Nothing.Decode([]byte{})
	require.ErrorContains(t, err, "always null", "as Kafka's, which refuses an empty value, too")
	_, err = serde.Nothing.Append(nil, &struct{}{})
	require.ErrorContains(t, err, "always null")
}

func ExampleByHeader() {
	prices := serde.ByHeader("encoding", "json", map[string]serde.Serde[float64]{
		"json": serde.JSON[float64](), "double": serde.Float64,
	})
	h := record.NewHeaders()
	b, _ := prices.(serde.HeaderAware[float64]).AppendWith(h, nil, 9.5)
	encoding, _ := h.Last("encoding")
	fmt.Println(string(b), string(encoding))
	// Output: 9.5 json
}

func ExampleNothing() {
	_, err := serde.Nothing.Decode([]byte("a key"))
	fmt.Println(err != nil)
	// Output: true
}
