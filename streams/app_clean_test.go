package streams

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/statedir"
	"github.com/millrace/millrace/streams/internal/topo"
)

// The state of a task that moved away goes after the delay, that of one that is here
// stays, and the group is no longer told of what is gone.
func TestStateOfTasksThatMovedAwayIsCleaned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, err := statedir.Open(t.Context(), statedir.Options{Dir: t.TempDir(), ApplicationID: "app"})
		require.NoError(t, err)
		gone, here := topo.TaskID{Partition: 1}, topo.TaskID{Partition: 2}
		s := &state{
			cfg: Config{StateCleanupDelay: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)}, dir: dir,
			known: map[topo.TaskID]int64{gone: 7},
		}
		for _, id := range []topo.TaskID{gone, here} {
			require.NoError(t, os.Mkdir(dir.TaskDir(id), 0o700))
			require.NoError(t, dir.Touch(id))
		}
		release, err := dir.Claim(t.Context(), here)
		require.NoError(t, err)
		ctx, end := context.WithCancel(t.Context())
		go s.clean(ctx)

		pass(9 * time.Minute)
		require.NoError(t, dir.Touch(gone)) // it was here again for a moment
		pass(9 * time.Minute)               // one look since
		require.DirExists(t, dir.TaskDir(gone))
		pass(3 * time.Minute)
		require.NoDirExists(t, dir.TaskDir(gone))
		require.Empty(t, s.known)
		pass(time.Hour)
		require.DirExists(t, dir.TaskDir(here))

		release()
		require.NoError(t, dir.Touch(here))
		pass(21 * time.Minute)
		require.NoDirExists(t, dir.TaskDir(here))
		end()
		require.NoError(t, dir.Close())
	})
}

// pass lets time pass in a bubble, and what is due then end.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// What cannot be removed is a warning, and the next look tries again.
func TestCleaningGoesOn(t *testing.T) {
	t.Parallel()
	dir, err := statedir.Open(t.Context(), statedir.Options{Dir: t.TempDir(), ApplicationID: "app"})
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(dir.Path()))
	h := &lines{}
	s := &state{cfg: Config{Logger: slog.New(h)}, dir: dir}
	s.cleanNow()
	s.cleanNow()
	require.Len(t, h.said, 2)
	require.NoError(t, dir.Close())
}

// lines is a log handler that keeps what is said.
type lines struct{ said []string }

func (*lines) Enabled(context.Context, slog.Level) bool { return true }
func (h *lines) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h *lines) WithGroup(string) slog.Handler          { return h }
func (h *lines) Handle(_ context.Context, r slog.Record) error {
	h.said = append(h.said, r.Message)
	return nil
}
