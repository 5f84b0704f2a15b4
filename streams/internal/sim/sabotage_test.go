//go:build synctests

package sim

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/integration/check"
	"github.com/millrace/millrace/streams/internal/txn"
)

// sabotage changes a request on its way, as a process with a bug would have sent it, or
// takes it away and answers itself.
type sabotage struct {
	key kmsg.Key
	do  func(kmsg.Request) kmsg.Response
}

// TestSabotage plants bugs of the commit protocol into the processes, by what they send,
// and wants the checker to see each of them within a few seeds. A suite that cannot find
// a planted bug is worth nothing.
func TestSabotage(t *testing.T) {
	for name, s := range map[string]sabotage{
		"the commit is never sent": {kmsg.EndTxn, func(r kmsg.Request) kmsg.Response {
			req, resp := r.(*kmsg.EndTxnRequest), r.ResponseKind().(*kmsg.EndTxnResponse)
			resp.ProducerID, resp.ProducerEpoch = req.ProducerID, req.ProducerEpoch
			return resp
		}},
		"offsets are not committed": {kmsg.TxnOffsetCommit, offsetsDone},
		"offsets are one behind":    {kmsg.TxnOffsetCommit, moved(-1)},
		"offsets are one ahead":     {kmsg.TxnOffsetCommit, moved(1)},
		"sources are read uncommitted, and so are changelogs": {kmsg.Fetch, func(r kmsg.Request) kmsg.Response {
			r.(*kmsg.FetchRequest).IsolationLevel = 0
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				if found := ruin(t, seed, s); len(found) > 0 {
					t.Logf("seed %d: %s", seed, found[0])
					return
				}
			}
			require.Fail(t, "the checker sees nothing wrong")
		})
	}
}

func offsetsDone(r kmsg.Request) kmsg.Response {
	req, resp := r.(*kmsg.TxnOffsetCommitRequest), r.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
	for _, t := range req.Topics {
		answer := kmsg.NewTxnOffsetCommitResponseTopic()
		answer.Topic = t.Topic
		for _, p := range t.Partitions {
			done := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			done.Partition = p.Partition
			answer.Partitions = append(answer.Partitions, done)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

func moved(by int64) func(kmsg.Request) kmsg.Response {
	return func(r kmsg.Request) kmsg.Response {
		for _, t := range r.(*kmsg.TxnOffsetCommitRequest).Topics {
			for i := range t.Partitions {
				t.Partitions[i].Offset = max(0, t.Partitions[i].Offset+by)
			}
		}
		return nil
	}
}

// ruin runs a seed with a sabotage and returns what the checker says. Processes may
// die of it; that is no finding.
func ruin(t *testing.T, seed uint64, s sabotage) (found []check.Finding) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, dir)
		defer w.close()
		var on atomic.Bool
		on.Store(true)
		w.cluster.ControlKey(int16(s.key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			w.cluster.KeepControl()
			if !on.Load() {
				return nil, nil, false
			}
			resp := s.do(r)
			return resp, nil, resp != nil
		})
		w.start()
		for range 6 {
			w.feed(10)
			pass(700 * time.Millisecond)
			p := w.pods[w.random.IntN(len(w.pods))]
			p.crash(w.random.IntN(101))
			p.live(string(txn.StepEnd)) // with all of it sent, and nothing committed
		}
		pass(10 * time.Second)
		on.Store(false) // the checker itself reads as it should
		for _, p := range w.pods {
			p.crash(100)
		}
		pass(10 * time.Second) // what is open times out
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		evidence, err := check.Collect(ctx, w.job, w.connect()...)
		require.NoError(t, err)
		for _, f := range check.Judge(evidence) {
			// All processes were killed in the end, so some input may just not have had its
			// turn; but not the first.
			late := f.Name == "unseen" || f.Name == "offset-behind" || f.Name == "state!=model"
			if !late || f.Name == "unseen" && strings.HasPrefix(f.About, "input "+check.ID(0, 0)+" ") {
				found = append(found, f)
			}
		}
	})
	return found
}
