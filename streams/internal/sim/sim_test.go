//go:build synctests

package sim

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/integration/check"
	"github.com/millrace/millrace/streams/internal/txn"
)

var (
	seeds = flag.Uint64("seeds", 10, "how many seeds to run")
	first = flag.Uint64("first", 1, "the first of them")
)

// TestSeeds runs seeds one after the other: each is a world of its own.
func TestSeeds(t *testing.T) {
	var unlived int
	begin := time.Now()
	for seed := *first; seed < *first+*seeds; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			if !simulate(t, seed) {
				unlived++
				t.Log("did not catch up in time")
			}
		})
	}
	t.Logf("%d seeds in %v, %d of them did not catch up in time", *seeds, time.Since(begin).Round(time.Second), unlived)
	// The broker in the process may keep a dead member for ever, which real ones do not.
	require.LessOrEqual(t, unlived, int(*seeds/30), "liveness")
}

// TestRegress runs the seeds that have found bugs.
func TestRegress(t *testing.T) {
	file, err := os.Open("testdata/regress/seeds")
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var seed uint64
		if _, err := fmt.Sscan(lines.Text(), &seed); err != nil {
			continue // a comment
		}
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { require.True(t, simulate(t, seed), "it catches up") })
	}
}

// simulate runs one seed and reports whether all of the input was processed in time.
func simulate(t *testing.T, seed uint64) (live bool) { return play(t, seed, (*world).trouble) }

// play runs a world with a script and has the checker judge what it leaves.
func play(t *testing.T, seed uint64, script func(*world)) (live bool) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, dir)
		defer w.close()
		w.start()
		script(w)
		live = w.settle()
		for _, p := range w.pods {
			require.NoError(t, p.end(), "pod %d", p.index)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		evidence, err := check.Collect(ctx, w.job, w.connect()...)
		require.NoError(t, err)
		found := judge(evidence, live)
		if !live || len(found) > 0 {
			w.log.Info("the group at the end", "members", w.members())
			w.story.keep(seed)
		}
		require.Empty(t, found)
	})
	return live
}

// judge leaves out what only says that there was not enough time, if there was not.
func judge(e check.Evidence, live bool) (found []check.Finding) {
	for _, f := range check.Judge(e) {
		late := f.Name == "unseen" || f.Name == "offset-behind" || f.Name == "state!=model"
		if live || !late {
			found = append(found, f)
		}
	}
	return found
}

// members are those that the coordinator knew when the input was not processed.
func (w *world) members() (out []string) {
	if g := w.group; g != nil {
		out = append(out, g.State, fmt.Sprint("generation ", g.Epoch))
		for _, m := range g.Members {
			out = append(out, m.MemberID)
		}
	}
	return out
}

// limit is how long after the last fault all of the input must be processed.
const limit = 30 * time.Second

// settle revives who is dead and waits.
func (w *world) settle() bool {
	for _, p := range w.pods {
		p.now.net.thaw()
		if !p.running() {
			w.revive(p, "")
		}
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); pass(time.Second) {
		if w.done() {
			return true
		}
		for _, p := range w.pods {
			require.True(w.t, p.running(), "pod %d died: %v", p.index, p.now.err)
		}
	}
	w.group = w.cluster.GroupInfo(w.job.App)
	return false
}

func (w *world) done() bool {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	evidence, err := check.Collect(ctx, w.job, w.connect()...)
	return err == nil && len(check.Judge(evidence)) == 0
}

// revive starts a pod again on what its crash has left.
func (w *world) revive(p *pod, crashAt string) {
	if p.now.err != nil && !p.now.dead.Load() {
		require.NoError(w.t, p.now.err, "pod %d gave up", p.index)
	}
	p.live(crashAt)
}

// steps are those that a process can be made to crash at.
func steps() []txn.Step {
	return []txn.Step{
		txn.StepFlush, txn.StepSend, txn.StepRegister, txn.StepOffsets, txn.StepEnd, txn.StepState, txn.StepPurge,
		txn.StepInit, txn.StepAssigned, txn.StepOpened, txn.StepListed, txn.StepApplied, txn.StepRestored, txn.StepRevoked,
		txn.StepAborted, txn.StepRenewed,
	}
}

// keys are the requests of which replies get lost.
func keys() []kmsg.Key {
	return []kmsg.Key{
		kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.InitProducerID, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetFetch,
		kmsg.CreateTopics, kmsg.Heartbeat, kmsg.ListOffsets, kmsg.OffsetCommit, kmsg.Fetch, kmsg.FindCoordinator, kmsg.Metadata,
	}
}

// trouble lets things happen while input arrives.
func (w *world) trouble() {
	for range 6 + w.random.IntN(6) {
		w.feed(1 + w.random.IntN(15))
		pass(time.Duration(w.random.IntN(2500)) * time.Millisecond)
		w.fault(w.pods[w.random.IntN(len(w.pods))])
	}
	w.feed(5)
}

func (w *world) fault(p *pod) {
	l := p.now
	switch w.random.IntN(8) {
	case 0, 1: // the power goes
		p.crash([]int{0, 50, 100}[w.random.IntN(3)])
		pass(time.Duration(w.random.IntN(3000)) * time.Millisecond)
		w.revive(p, "")
	case 2: // the next life ends at a step
		p.crash(w.random.IntN(101))
		step := steps()[w.random.IntN(len(steps()))]
		w.revive(p, string(step))
		select {
		case <-p.now.crashed:
		case <-time.After(10 * time.Second):
		}
		p.crash(w.random.IntN(101))
		w.revive(p, "")
	case 3: // it stops for longer than its session and its transaction
		l.net.freeze()
		pass(time.Duration(w.random.IntN(12_000)) * time.Millisecond)
		l.net.thaw()
	case 4, 5:
		for range 1 + w.random.IntN(3) {
			l.net.lose(&loss{key: int16(keys()[w.random.IntN(len(keys()))]), after: w.random.IntN(2) == 0, skip: w.random.IntN(3)})
		}
	case 6:
		w.moveLeaders()
	case 7:
		w.cluster.RehashCoordinators()
	}
}
