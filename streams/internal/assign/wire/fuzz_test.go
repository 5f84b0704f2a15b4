package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign/wire"
)

// FuzzSubscription: whatever decodes is written and read back as the same.
func FuzzSubscription(f *testing.F) {
	for _, data := range seeds(f, "group.subscription") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := wire.DecodeSubscription(data)
		if err != nil || s.Version > wire.Latest {
			return
		}
		again, err := s.Encode()
		if err != nil {
			return // grew over the limit
		}
		back, err := wire.DecodeSubscription(again)
		require.NoError(t, err)
		require.Equal(t, s, back)
	})
}

// FuzzAssignment is the same for assignments.
func FuzzAssignment(f *testing.F) {
	for _, data := range seeds(f, "group.assignment") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := wire.DecodeAssignment(data)
		if err != nil {
			return
		}
		again, err := a.Encode()
		if err != nil {
			return
		}
		back, err := wire.DecodeAssignment(again)
		require.NoError(t, err)
		require.Equal(t, a, back)
	})
}

// FuzzEnvelope: hostile envelopes are refused without harm.
func FuzzEnvelope(f *testing.F) {
	f.Add(wire.EncodeAssigned([]wire.Partition{{Topic: "a"}}, []byte{1}))
	f.Add((&wire.Metadata{Topics: []string{"a"}, Owned: map[string][]int32{"a": {1}}}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := wire.DecodeMetadata(data); err == nil {
			_, err = wire.DecodeMetadata(m.Encode())
			require.NoError(t, err)
		}
		if parts, user, err := wire.DecodeAssigned(data); err == nil {
			_, _, err = wire.DecodeAssigned(wire.EncodeAssigned(parts, user))
			require.NoError(t, err)
		}
	})
}

func seeds(f *testing.F, kind string) (out [][]byte) {
	for _, g := range goldenCases(f, kind) {
		out = append(out, g.Bytes(f))
	}
	return out
}
