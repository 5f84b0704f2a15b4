package assign_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign"
)

// TestMovesNoMoreThanNeeded: where state moves in no time, every assignment is even
// and moves as few tasks as any even one could. Again from it, nothing changes.
func TestMovesNoMoreThanNeeded(t *testing.T) {
	eachSeed(t, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, assign.Options{AcceptableLag: assign.Any})
		for range 3 {
			w.change()
			before, fewest := w.owners(), w.fewest()
			got := w.assign(t)
			require.Zero(t, got.Warming)
			w.even(t, got)
			w.adopt(got)
			require.Equal(t, fewest, moved(before, w.owners()))
			require.Equal(t, got, w.assign(t), "an assignment must be stable")
		}
	})
}

// TestConverges: with warm-ups for all, what is ideal is reached in the third
// assignment at the latest and stays from there on; until then every task is where
// its state is. (The second does in nearly all worlds: where it does not, tasks that
// waited for their ideal owners can as well stay, and another one moves instead.)
func TestConverges(t *testing.T) {
	eachSeed(t, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, assign.Options{AcceptableLag: 10_000, MaxWarmups: 1000})
		for range 4 {
			w.change()
			w.handsOver(t)
			w.handsOver(t)
			third := w.assign(t)
			require.Zero(t, third.Warming)
			w.even(t, third)
			w.adopt(third)
			require.Equal(t, third, w.assign(t))
		}
	})
}

// handsOver assigns once and checks that no task begins where it has to restore
// much while there is somebody who has not.
func (w *world) handsOver(t *testing.T) {
	t.Helper()
	got := w.assign(t)
	for id, a := range got.Members {
		for _, x := range w.tasks {
			if x.Stateful && slices.Contains(a.Active, x.ID) {
				require.LessOrEqual(t, w.lag(id, x), max(w.opt.AcceptableLag, 2*w.leastLag(x)), "%s at %s", x.ID, id)
			}
		}
	}
	w.adopt(got)
}

// lag is how much a member would have to restore.
func (w *world) lag(id string, x assign.Task) int64 {
	for _, c := range w.members {
		if c.process == w.members[id].process && slices.Contains(c.active, x.ID) {
			return 0
		}
	}
	return x.End - w.members[id].disk[x.ID]
}

func (w *world) leastLag(x assign.Task) int64 {
	least := x.End
	for id := range w.members {
		least = min(least, w.lag(id, x))
	}
	return least
}

// TestWarmsUpAFewAtATime: with two warm-ups at a time there are never more copies than
// that, and it takes half as many assignments as tasks wait, and two more at most.
func TestWarmsUpAFewAtATime(t *testing.T) {
	eachSeed(t, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, assign.Options{AcceptableLag: 10_000, MaxWarmups: 2})
		for range 3 {
			w.change()
			got := w.assign(t)
			for left := (got.Warming+1)/2 + 2; got.Warming > 0; left-- {
				require.Positive(t, left)
				require.LessOrEqual(t, w.copies(got), 2)
				w.adopt(got)
				got = w.assign(t)
			}
			w.even(t, got)
			w.adopt(got)
		}
	})
}

// copies counts standbys.
func (w *world) copies(got assign.Result) (n int) {
	for _, a := range got.Members {
		n += len(a.Standby)
	}
	return n
}

// TestStandbys: as many copies as wanted or as there are other processes; in another
// rack wherever there is one; even among processes but for racks; a member that goes
// leaves tasks that run elsewhere at once.
func TestStandbys(t *testing.T) {
	eachSeed(t, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, assign.Options{AcceptableLag: 10_000, MaxWarmups: 1000, Standbys: 1 + rng.IntN(2), RackTags: []string{"zone"}})
		for range 5 {
			w.change()
			for range 2 {
				w.handsOver(t)
			}
			got := w.assign(t)
			require.Zero(t, got.Warming)
			w.even(t, got)
			w.spread(t, got)
			w.adopt(got)
			require.Equal(t, got, w.assign(t), "an assignment must be stable")
		}
	})
}

// spread checks number and places of the copies.
func (w *world) spread(t *testing.T, got assign.Result) {
	t.Helper()
	zones := make(map[string]bool)
	for _, c := range w.members {
		zones[c.tags["zone"]] = true
	}
	missing := 0
	for _, x := range w.tasks {
		if !x.Stateful {
			continue
		}
		copies, in := 0, make(map[string]bool)
		for id, a := range got.Members {
			if slices.Contains(a.Active, x.ID) || slices.Contains(a.Standby, x.ID) {
				copies++
				in[w.members[id].tags["zone"]] = true
			}
		}
		require.Equal(t, min(1+w.opt.Standbys, len(w.processes())), copies, "copies of %s", x.ID)
		require.Len(t, in, min(copies, len(zones)), "zones of %s", x.ID)
		missing += 1 + w.opt.Standbys - copies
	}
	require.Equal(t, missing, got.Missing)
}
