package integration_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/integration/check"
	"github.com/millrace/millrace/streams"
)

// How long the suites of kills go on; the night has more patience.
var (
	killRuns   = flag.Int("kill-runs", 1, "runs of random kills with three processes")
	zombieRuns = flag.Int("zombie-runs", 1, "runs of processes that stop and come back")
	chaosSeed  = flag.Uint64("chaos-seed", 0, "seed of the first run; 0 is the time")
)

// exactChild is the main function of a process that runs the job of the checker.
func exactChild(getenv func(string) string) int {
	job := check.Job{App: getenv(childEnv), In: getenv(childEnv + "_IN"), Out: getenv(childEnv + "_OUT")}
	cfg := exactConfig(job.App)
	cfg.Brokers = strings.Split(getenv(childEnv+"_BROKERS"), ",")
	cfg.StateDir, cfg.InstanceID = getenv(childEnv+"_STATE"), getenv(childEnv+"_INSTANCE")
	if at := getenv(childEnv + "_CRASH"); at != "" {
		cfg.KafkaOpts = append(cfg.KafkaOpts, kgo.WithHooks(newCrash(at)))
	}
	app, err := streams.New(job.Topology(), cfg)
	if err == nil {
		err = app.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func exactConfig(app string) streams.Config {
	return streams.Config{
		ApplicationID: app, ProcessingGuarantee: streams.ExactlyOnce, Workers: 2,
		CommitInterval: 50 * time.Millisecond, TransactionTimeout: 5 * time.Second,
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 500 * time.Millisecond,
		WaitForSources: 20 * time.Second,
	}
}

// crash kills its own process at a request: when it was written, or when its answer
// was read, for the n-th time. These are the moments between the steps of a commit and
// of a start, as the broker sees them.
type crash struct {
	key     int16
	written bool
	left    atomic.Int32
}

// newCrash reads "EndTxn written 3".
func newCrash(at string) *crash {
	var name, when string
	var n int32
	if _, err := fmt.Sscan(at, &name, &when, &n); err != nil {
		panic(err)
	}
	c := &crash{written: when == "written", key: -1}
	for key := range int16(kmsg.MaxKey) + 1 {
		if kmsg.NameForKey(key) == name {
			c.key = key
		}
	}
	c.left.Store(n)
	return c
}

// OnBrokerWrite implements kgo.HookBrokerWrite.
func (c *crash) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	c.at(key, true)
}

// OnBrokerRead implements kgo.HookBrokerRead.
func (c *crash) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	c.at(key, false)
}

func (c *crash) at(key int16, written bool) {
	if key == c.key && written == c.written && c.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// exactly is a job under test on the suite's broker.
type exactly struct {
	t    *testing.T
	job  check.Job
	next map[int32]int // by input partition, the number of the next record
	c    *kgo.Client
}

func newExactly(t *testing.T) *exactly {
	t.Helper()
	app := unique(t)
	e := &exactly{t: t, job: check.Job{App: app, In: app + "-in", Out: app + "-out"}, next: map[int32]int{}}
	first := client(t)
	eventually(t, "the broker answers", func() bool { return first.Ping(t.Context()) == nil })
	create(t, e.job.In, e.job.Out)
	e.c = client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return e
}

// feed writes n inputs to each partition.
func (e *exactly) feed(n int) {
	e.t.Helper()
	var first kgo.FirstErrPromise
	for range n {
		for p := range int32(partitions) {
			id := check.ID(p, e.next[p])
			e.next[p]++
			e.c.Produce(e.t.Context(), &kgo.Record{Topic: e.job.In, Partition: p, Key: []byte("k"), Value: []byte(id)}, first.Promise())
		}
	}
	require.NoError(e.t, e.c.Flush(e.t.Context()))
	require.NoError(e.t, first.Err())
}

// spawn starts a process of the job, with more of the environment if wanted.
func (e *exactly) spawn(state string, more ...string) *process {
	e.t.Helper()
	env := append([]string{childEnv + "_EXACTLY=1"}, more...)
	return spawn(e.t, e.job.App, e.job.In, e.job.Out, state, env...)
}

// outputs counts the committed results.
func (e *exactly) outputs() (n int) {
	ends, err := kadm.NewClient(e.c).ListCommittedOffsets(e.t.Context(), e.job.Out)
	if err != nil {
		return 0
	}
	ends.Each(func(o kadm.ListedOffset) { n += int(max(0, o.Offset)) })
	return n
}

// clean waits until everything is processed and nothing is open, asks the processes to
// end, and has the checker judge.
func (e *exactly) clean(running ...*process) {
	e.t.Helper()
	if !within(e.processed) {
		for _, p := range running {
			p.kill()
			e.t.Logf("%s", tail(p.output.String()))
		}
		require.Fail(e.t, "not all of the input was processed")
	}
	for _, p := range running {
		require.NoError(e.t, p.Process.Signal(syscall.SIGTERM))
		require.NoError(e.t, p.Wait(), "%s", tail(p.output.String()))
	}
	evidence, err := check.Collect(e.t.Context(), e.job, kgo.SeedBrokers(kafka(e.t).Addrs...))
	require.NoError(e.t, err)
	want := 0
	for _, n := range e.next {
		want += n
	}
	require.Len(e.t, evidence.Inputs, want)
	require.Empty(e.t, check.Judge(evidence))
}

// processed: every input has its output, as far as offsets tell.
func (e *exactly) processed() bool {
	ctx, cancel := context.WithTimeout(e.t.Context(), soon)
	defer cancel()
	evidence, err := check.Collect(ctx, e.job, kgo.SeedBrokers(kafka(e.t).Addrs...))
	if err != nil || len(evidence.Outputs) < len(evidence.Inputs) {
		return false
	}
	for _, f := range check.Judge(evidence) {
		if f.Name == "offset-behind" || f.Name == "LSO-stuck" || f.Name == "open-transaction" {
			return false // not yet
		}
	}
	return true
}

// within waits for a condition.
func within(ok func() bool) bool {
	deadline := time.After(soon)
	tick := time.NewTicker(4 * look)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// TestExactlyOnceCrashAtEachStep kills the process at each request of a start and of a
// commit, before its answer and after it, and lets another one go on.
func TestExactlyOnceCrashAtEachStep(t *testing.T) {
	needReal(t, "the broker in the process is no judge of killed transactions")
	for _, step := range []string{
		"InitProducerID written 1", "InitProducerID read 2", "JoinGroup read 1", "SyncGroup read 2", "OffsetFetch read 1", "ListOffsets read 3",
		"Produce written 4", "Produce read 4", "TxnOffsetCommit written 2", "TxnOffsetCommit read 2",
		"EndTxn written 1", "EndTxn written 3", "EndTxn read 3", "DeleteRecords written 1", "AddOffsetsToTxn written 2", "AddPartitionsToTxn read 2",
	} {
		t.Run(strings.ReplaceAll(step, " ", "-"), func(t *testing.T) {
			t.Parallel()
			e, state := newExactly(t), t.TempDir()
			e.feed(300)
			pod := childEnv + "_INSTANCE=pod-0" // whoever comes back need not wait for the session's end
			first := e.spawn(state, pod, childEnv+"_CRASH="+step)
			within(func() bool {
				select {
				case <-first.exited:
					return true
				default:
					return e.outputs() > 0 && e.processed() // a step that this broker's protocol does not have
				}
			})
			first.kill()
			e.feed(100)
			e.clean(e.spawn(state, pod))
		})
	}
}

// TestExactlyOnceRandomKills: three processes, killed at random while the input grows.
func TestExactlyOnceRandomKills(t *testing.T) {
	needReal(t, "the broker in the process is no judge of killed transactions")
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for run := range uint64(*killRuns) {
		t.Run(fmt.Sprintf("seed-%d", seed+run), func(t *testing.T) { randomKills(t, seed+run) })
	}
}

func randomKills(t *testing.T, seed uint64) {
	const kills = 8
	random := rand.New(rand.NewPCG(seed, 1))
	e := newExactly(t)
	states := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	processes := make([]*process, len(states))
	for i, state := range states {
		processes[i] = e.spawn(state)
	}
	for range kills {
		e.feed(100 + random.IntN(200))
		pause := time.Duration(200+random.IntN(3000)) * time.Millisecond
		<-time.After(pause)
		victim := random.IntN(len(states))
		processes[victim].kill()
		processes[victim] = e.spawn(states[victim])
	}
	e.clean(processes...)
}

// TestExactlyOnceZombies: a process stands still for longer than its session and its
// transaction may last, then it goes on where it was. Nothing of what it had in hand is
// seen, and it does not die of it.
func TestExactlyOnceZombies(t *testing.T) {
	needReal(t, "the broker in the process is no judge of fenced transactions")
	t.Parallel()
	for run := range *zombieRuns {
		t.Run(fmt.Sprint("run-", run), func(t *testing.T) {
			e := newExactly(t)
			a, b := e.spawn(t.TempDir()), e.spawn(t.TempDir())
			e.feed(300)
			require.True(t, within(func() bool { return e.outputs() > 100 }))
			require.NoError(t, a.Process.Signal(syscall.SIGSTOP))
			e.feed(200)
			<-time.After(10 * time.Second) // the session is 6 s, the transaction 5 s
			e.feed(200)
			require.NoError(t, a.Process.Signal(syscall.SIGCONT))
			e.feed(100)
			e.clean(a, b)
		})
	}
}

// TestExactlyOnceDelayedMarkers: the broker answers EndTxn before its markers are
// written. A process that takes over at that moment restores all that was committed:
// it lists the end of the changelog as it is, and waits for the transaction's outcome.
func TestExactlyOnceDelayedMarkers(t *testing.T) {
	needReal(t, "the broker in the process writes its markers at once")
	t.Parallel()
	e := newExactly(t)
	for range 6 {
		e.feed(60)
		p := e.spawn(t.TempDir(), childEnv+"_INSTANCE=pod-0", childEnv+"_CRASH=EndTxn read 2") // and its disk is lost
		within(func() bool {
			select {
			case <-p.exited:
				return true
			default:
				return e.processed()
			}
		})
		p.kill()
	}
	e.clean(e.spawn(t.TempDir(), childEnv+"_INSTANCE=pod-0"))
}
