package serde_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/millrace/millrace/streams/serde"
)

// FuzzRoundTrip: whatever decodes encodes to the same bytes again.
func FuzzRoundTrip(f *testing.F) {
	for _, seed := range [][]byte{nil, {1}, []byte("text"), make([]byte, 8), make([]byte, 17), []byte("4b475264-5e76-f39e-81a8-e923dd4d7273")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, serde.String, b)
		again(t, serde.Bytes, b)
		again(t, serde.Int64, b)
		again(t, serde.Int32, b)
		again(t, serde.Int16, b)
		again(t, serde.Bool, b)
		again(t, serde.List(serde.Bytes), b)
		again(t, serde.FixedList(serde.Int16, 2), b)
		again(t, serde.UUID, bytes.ToLower(b))
		again(t, serde.Nullable(serde.Int64), b)
		again(t, serde.WindowedTime(serde.String, time.Minute), b)
		again(t, serde.WindowedSession(serde.Bytes), b)
		_, _ = serde.Float32.Decode(b) // a NaN may come back as another
		_, _ = serde.Float64.Decode(b)
		_, _ = serde.Nothing.Decode(b)
		_, _ = serde.JSON[map[string]any]().Decode(b) // must not panic
	})
}

func again[T any](t *testing.T, s serde.Serde[T], b []byte) {
	if b == nil {
		return // null is the record's own affair
	}
	v, err := s.Decode(b)
	if err != nil {
		return
	}
	got, err := s.Append(nil, v)
	if err != nil || !bytes.Equal(got, b) {
		t.Fatalf("%T: %x became %x: %v", s, b, got, err)
	}
}
