package streams

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/restore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// clockwork is a progress with a clock that the test moves.
func clockwork(d display, l RestoreListener) (*progress, *time.Time) {
	now := time.UnixMilli(1_700_000_000_000)
	p := newProgress(d, l)
	p.now = func() time.Time { return now }
	return p, &now
}

func event(store string, next, records int64) restore.Event {
	return restore.Event{
		Task: topo.TaskID{Subtopology: 1}, Store: store, Topic: "app-" + store + "-changelog",
		From: 0, To: 1000, Next: next, Records: records, Bytes: records * 1000,
	}
}

func TestBarShowsShareRateAndETA(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p, now := clockwork(newDisplay(&out, nil), nil)
	p.Start(event("a", 0, 0))
	p.Start(event("b", 0, 0))
	*now = now.Add(2 * time.Second)
	p.Batch(event("a", 500, 400))
	require.Equal(t, "\r\x1b[Krestoring 2 stores [=======                       ]  25%  400 records  0.2 MB/s  ETA 6s", out.String())

	out.Reset()
	*now = now.Add(time.Millisecond)
	p.Batch(event("a", 600, 500))
	require.Empty(t, out.String(), "no more often than it can be seen")

	*now = now.Add(2 * time.Second)
	p.End(event("a", 1000, 800))
	require.Contains(t, out.String(), "restoring 1 stores")
	p.End(event("b", 1000, 200))
	require.Contains(t, out.String(), "restored 1000 records, 1.0 MB in 4.001s (250 records/s, 0.2 MB/s)\n")
	records, bytes := p.restored()
	require.EqualValues(t, 1000, records)
	require.EqualValues(t, 1_000_000, bytes)
}

func TestLogLinesOncePerSecond(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p, now := clockwork(&logLines{log: slog.New(slog.NewTextHandler(&out, nil))}, nil)
	p.Start(event("a", 0, 0))
	for i := int64(1); i <= 20; i++ {
		*now = now.Add(100 * time.Millisecond)
		p.Batch(event("a", i*50, i*50))
	}
	require.Equal(t, 2, strings.Count(out.String(), "msg=restoring"))
	require.Contains(t, out.String(), "percent=50 records=500 records_per_s=500 mb_per_s=0.5 eta=1s")
	p.End(event("a", 1000, 1000))
	require.Contains(t, out.String(), "msg=restored records=1000 mb=1 took=2s records_per_s=500 mb_per_s=0.5")
}

// TestNothingToRestoreIsQuietButTold: the listener hears of it, the terminal not.
func TestNothingToRestoreIsQuietButTold(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	var heard listener
	p, _ := clockwork(newDisplay(&out, nil), &heard)
	e := event("a", 1000, 0)
	e.From = 1000
	p.Start(e)
	p.End(e)
	require.Empty(t, out.String())
	require.Equal(t, listener{"start 1_0 a", "end 1_0 a"}, heard)
	require.Nil(t, newDisplay(io.Discard, nil))
}

// TestAbandonedRestoreEndsTheDisplay: a task that moves away in the middle must
// not leave a bar that never ends.
func TestAbandonedRestoreEndsTheDisplay(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p, _ := clockwork(newDisplay(&out, nil), nil)
	p.Start(event("a", 0, 0))
	p.Batch(event("a", 100, 100))
	p.Abandon(event("a", 100, 100))
	require.Empty(t, p.active)
	records, _ := p.restored()
	require.EqualValues(t, 100, records)
}

type listener []string

func (l *listener) OnRestoreStart(e RestoreEvent) { *l = append(*l, "start "+e.Task+" "+e.Store) }
func (l *listener) OnRestoreBatch(e RestoreEvent) { *l = append(*l, "batch "+e.Task+" "+e.Store) }
func (l *listener) OnRestoreEnd(e RestoreEvent)   { *l = append(*l, "end "+e.Task+" "+e.Store) }
