package streams_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
	"github.com/millrace/millrace/streams/serde"
)

// discard is a runtime that counts what is emitted and drops it.
type discard struct{ emitted, bytes int }

func (*discard) Engine(string) (store.Engine, error) { return nil, nil }
func (*discard) Skipped(_, _ string)                 {}

func (d *discard) Emit(out *task.Out) error {
	d.emitted++
	d.bytes += len(out.Key) + len(out.Value)
	return nil
}

// recordPath links filter -> mapValues -> to, from bytes to bytes.
func recordPath(tb testing.TB) (task.Entry, *discard) {
	tb.Helper()
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic("in", serde.String, serde.Int64)).
		Filter(func(_ string, n int64) bool { return n >= 0 }).
		MapValues(func(n int64) int64 { return n * 2 }).
		To(streams.NewTopic("out", serde.String, serde.Int64))
	top, err := b.Build()
	require.NoError(tb, err)
	program, _ := top.ForApplication("app", nil)
	rt := &discard{}
	linked, err := program.Link(topo.TaskID{}, rt)
	require.NoError(tb, err)
	return linked.Entries["in"], rt
}

func oneRecord() *task.Raw {
	return &task.Raw{Topic: "in", Key: []byte("user-42"), Value: binary.BigEndian.AppendUint64(nil, 21), Time: 1}
}

// TestRecordPathAllocatesNothing between source decode and sink encode.
func TestRecordPathAllocatesNothing(t *testing.T) {
	entry, rt := recordPath(t)
	raw := oneRecord()
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if err := entry(raw); err != nil {
			t.Error(err)
		}
	}))
	require.Equal(t, 1001, rt.emitted)
	require.Equal(t, 1001*15, rt.bytes)
}

// BenchmarkRecordPath is what one record costs in the typed world: decode,
// filter, mapValues, encode.
func BenchmarkRecordPath(b *testing.B) {
	entry, rt := recordPath(b)
	raw := oneRecord()
	b.ReportAllocs()
	for b.Loop() {
		if err := entry(raw); err != nil {
			b.Fatal(err)
		}
	}
	require.Positive(b, rt.emitted)
}
