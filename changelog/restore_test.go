package changelog_test

import (
	"encoding/binary"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/serde"
)

// text and long stand in for the serdes of package serde.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(b []byte) (string, error)             { return string(b), nil }

type long struct{}

func (long) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}
func (long) Decode(b []byte) (int64, error) { return int64(binary.BigEndian.Uint64(b)), nil }

// A store restored from Kafka Streams' changelog has the rows that Kafka Streams
// itself showed at the end of the run, expired ones left out.
func TestCapturesRestoreTheState(t *testing.T) {
	t.Parallel()
	for _, c := range captures(t) {
		spec := specOf(c.Store)
		db := memstore.New()
		e, err := db.Engine(spec)
		require.NoError(t, err)
		decode := changelog.NewDecoder(spec)
		for i, r := range c.Records {
			key, value := r.bytes(t)
			m, err := decode.Mutation(key, value, r.Timestamp)
			require.NoError(t, err)
			require.NoError(t, db.Apply(spec.Name, []store.Mutation{m}, store.Position{c.Topic: int64(i + 1)}))
		}
		require.Equal(t, c.Rows, rows(t, e, spec))
		require.Equal(t, store.Position{c.Topic: int64(len(c.Records))}, db.Position())
	}
}

// rows writes what a store holds as the captures do.
func rows(t *testing.T, e store.Engine, spec store.Spec) []string {
	t.Helper()
	switch spec.Kind {
	case store.KindWindow:
		w, err := store.NewWindow[string, int64](e, spec, text{}, long{})
		require.NoError(t, err)
		return lines(t, w.All(), func(e store.WindowEntry[string, int64]) string {
			return fmt.Sprintf("%s=%d~%d", name(e.Key), e.Value, e.Time)
		})
	case store.KindSession:
		s, err := store.NewSession[string, int64](e, spec, text{}, long{})
		require.NoError(t, err)
		return lines(t, s.All(), func(e store.SessionEntry[string, int64]) string {
			return fmt.Sprintf("%s=%d", name(e.Key), e.Value)
		})
	}
	kv := store.NewTimestampedKV[string, int64](e, text{}, long{})
	return lines(t, kv.All(), func(e store.TimestampedEntry[string, int64]) string {
		return fmt.Sprintf("%s=%d~%d", e.Key, e.Value, e.Time)
	})
}

func name(k serde.Windowed[string]) string {
	return fmt.Sprintf("%s@%d/%d", k.Key, k.Window.Start, k.Window.End)
}

func lines[E any](t *testing.T, seq iter.Seq2[E, error], text func(E) string) (out []string) {
	t.Helper()
	for e, err := range seq {
		require.NoError(t, err)
		out = append(out, text(e))
	}
	return out
}
