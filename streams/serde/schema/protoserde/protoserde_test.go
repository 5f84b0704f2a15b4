package protoserde_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/serde/schema/protoserde"
)

// TestGoldenBytes are those of the format's own documentation.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    serde.Serde[*wrapperspb.Int32Value]
		v    int32
		want []byte
	}{
		{protoserde.Of[*wrapperspb.Int32Value](), 150, []byte{0x08, 0x96, 0x01}},
		{protoserde.Of[*wrapperspb.Int32Value](), 0, nil},
	} {
		b, err := c.s.Append([]byte("x"), wrapperspb.Int32(c.v))
		require.NoError(t, err)
		require.Equal(t, append([]byte("x"), c.want...), b)
		v, err := c.s.Decode(c.want)
		require.NoError(t, err)
		require.Equal(t, c.v, v.Value)
	}
	text := protoserde.Of[*wrapperspb.StringValue]()
	b, err := text.Append(nil, wrapperspb.String("testing"))
	require.NoError(t, err)
	require.Equal(t, []byte{0x0a, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67}, b)
}

func TestNullsAndNonsense(t *testing.T) {
	t.Parallel()
	s := protoserde.Of[*wrapperspb.Int32Value]()
	aware := s.(serde.NullAware[*wrapperspb.Int32Value])
	require.True(t, aware.IsNull(aware.Null()))
	require.False(t, aware.IsNull(wrapperspb.Int32(0)))
	_, err := s.Append(nil, nil)
	require.ErrorContains(t, err, "null")
	v, err := s.Decode([]byte{0x08})
	require.EqualError(t, err, "not such a message: the topic holds something else, or was written with another serde")
	require.Nil(t, v)
}

// TestOneMessageHasOneEncoding, maps and all: it may be a key.
func TestOneMessageHasOneEncoding(t *testing.T) {
	t.Parallel()
	m, err := structpb.NewStruct(map[string]any{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5})
	require.NoError(t, err)
	s := protoserde.Of[*structpb.Struct]()
	first, err := s.Append(nil, m)
	require.NoError(t, err)
	for range 50 {
		again, err := s.Append(nil, m)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{0x08, 0x96, 0x01})
	f.Add([]byte{0x0a, 0x01, 0x61})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := protoserde.Of[*structpb.Struct]()
		v, err := s.Decode(b)
		if err != nil {
			return
		}
		again, err := s.Append(nil, v)
		if err != nil {
			return // text that is no UTF-8, say
		}
		back, err := s.Decode(again)
		if err != nil || !proto.Equal(v, back) {
			t.Fatalf("%x: %v", b, err)
		}
	})
}

func ExampleOf() {
	counts := protoserde.Of[*wrapperspb.Int64Value]()
	b, _ := counts.Append(nil, wrapperspb.Int64(3))
	v, _ := counts.Decode(b)
	fmt.Println(b, v.Value)
	// Output: [8 3] 3
}
