//go:build synctests

package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/integration/check"
)

// TestLostReplies loses one request of each kind, before and after it was carried out,
// the first, second or third time.
func TestLostReplies(t *testing.T) {
	for _, key := range []kmsg.Key{
		kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.InitProducerID, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetFetch, kmsg.CreateTopics,
	} {
		for _, after := range []bool{false, true} {
			for attempt := range 3 {
				t.Run(fmt.Sprintf("%s-after-%v-%d", kmsg.NameForKey(int16(key)), after, attempt), func(t *testing.T) {
					live := play(t, uint64(attempt), func(w *world) {
						for _, p := range w.pods {
							p.now.net.lose(&loss{key: int16(key), after: after, skip: attempt})
						}
						for range 5 {
							w.feed(5)
							pass(300 * time.Millisecond)
						}
					})
					require.True(t, live)
				})
			}
		}
	}
}

// TestCrashAtEachStep takes the power at each step, with nothing, half and all of what
// was not synced on the disk. The stores are of three kinds.
func TestCrashAtEachStep(t *testing.T) {
	for i, step := range steps() {
		for _, unsynced := range []int{0, 50, 100} {
			t.Run(fmt.Sprintf("%s-%d", step, unsynced), func(t *testing.T) {
				play(t, uint64(i), func(w *world) {
					w.feed(10)
					pass(time.Second)
					p := w.pods[0]
					p.crash(unsynced)
					w.revive(p, string(step))
					for range 5 {
						w.feed(5)
						pass(time.Second)
					}
					p.crash(unsynced)
					w.revive(p, "")
				})
			})
		}
	}
}

// TestStatefulSetIsKilled is KAFKA-20685: a pod with a name of its own is killed again
// and again, exactly-once, while its disk keeps all that was written. What had not been
// committed is in no store afterwards: the checker finds no count too high.
func TestStatefulSetIsKilled(t *testing.T) {
	live := play(t, 0, func(w *world) {
		for range 6 {
			w.feed(20)
			pass(time.Duration(50+w.random.IntN(400)) * time.Millisecond)
			for _, p := range w.pods {
				p.crash(100)
				w.revive(p, "")
			}
			pass(time.Second)
		}
	})
	require.True(t, live)
}

// TestGenerationThatIsNoMore: a rebalance ends between reading the membership and
// sending the offsets. Tasks that never moved are committed all the same, in the same
// transaction, which nobody aborts.
func TestGenerationThatIsNoMore(t *testing.T) {
	live := play(t, 0, func(w *world) {
		w.feed(10)
		pass(time.Second)
		p := w.pods[1]
		for range 4 { // members come and go while offsets are sent
			w.feed(20)
			pass(90 * time.Millisecond)
			require.NoError(w.t, p.end())
			w.feed(20)
			pass(90 * time.Millisecond)
			w.revive(p, "")
		}
	})
	require.True(t, live)
}

// TestStallPastTheTransactionTimeout: the coordinator has aborted the transaction when
// the process moves on; it loses what was not committed, and does not die.
func TestStallPastTheTransactionTimeout(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.InvalidTxnState, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.UnknownProducerID, kerr.InvalidProducerIDMapping} {
		t.Run(e.Message, func(t *testing.T) {
			live := play(t, 1, func(w *world) {
				w.feed(10)
				pass(time.Second)
				refused := 0
				w.cluster.ControlKey(int16(kmsg.EndTxn), func(in kmsg.Request) (kmsg.Response, error, bool) {
					if refused++; refused > 2 {
						return nil, nil, false
					}
					w.cluster.KeepControl()
					resp := in.ResponseKind().(*kmsg.EndTxnResponse)
					resp.ErrorCode = e.Code
					return resp, nil, true
				})
				w.feed(20)
				pass(5 * time.Second)
				require.GreaterOrEqual(w.t, refused, 2)
			})
			require.True(t, live)
		})
	}
}

// TestHangingCallback: a user function does not return for longer than MaxPollInterval.
// It is reported with its place, its worker is given up, the other one goes on, and
// when it returns at last, nothing of what it had in hand is seen.
func TestHangingCallback(t *testing.T) {
	var w *world
	live := play(t, 1, func(world *world) {
		w = world
		for _, p := range w.pods[1:] { // one process, two workers
			require.NoError(t, p.end())
		}
		hang := &hang{id: check.ID(0, 12), release: make(chan struct{})}
		w.hang.Store(hang)
		w.workers = 2
		p := w.pods[0]
		require.NoError(t, p.end())
		w.revive(p, "")
		w.feed(20)
		pass(30 * time.Second) // MaxPollInterval is 15 s
		story := w.story.read()
		require.Contains(t, story, "in/0 offset 12: a callback has not returned for 10s")
		require.Contains(t, story, "sim.(*hang).before", "the stack has the callback")
		require.Contains(t, story, "the worker is given up until its callback returns")
		defer w.story.keep(0)
		before := w.outputs()
		w.feed(10)
		pass(10 * time.Second)
		require.Greater(t, w.outputs(), before, "the other worker goes on")
		close(hang.release)
	})
	require.True(t, live)
}
