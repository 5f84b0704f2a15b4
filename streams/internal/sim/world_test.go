//go:build synctests

package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/integration/check"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/internal/seam"
)

const (
	partitions = 3
	processes  = 2
)

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// world is one run: brokers, input and processes.
type world struct {
	t       *testing.T
	random  *rand.Rand
	virtual *kfake.VirtualNetwork
	cluster *kfake.Cluster
	job     check.Job
	client  *kgo.Client
	next    [partitions]int
	static  bool
	pods    []*pod
	dir     string
	log     *slog.Logger
	story   *story
	workers int // of each process; 0 is by luck
	hang    atomic.Pointer[hang]
	group   *kfake.GroupInfo // as it was when time was up
}

// story is what the processes logged, to be told if the run ends badly.
type story struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (s *story) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, b...)
	return len(b), nil
}

func (s *story) read() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// keep writes the story into the directory that MILLRACE_TEST_LOG names.
func (s *story) keep(seed uint64) {
	if dir := os.Getenv("MILLRACE_TEST_LOG"); dir != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("seed-%d.log", seed)), s.text, 0o600)
	}
}

func newWorld(t *testing.T, seed uint64, dir string) *world {
	w := &world{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), virtual: new(kfake.VirtualNetwork), dir: dir,
		job: check.Job{App: "job", In: "in", Out: "out"}, story: new(story),
	}
	w.log = slog.New(slog.NewTextHandler(w.story, &slog.HandlerOptions{Level: slog.LevelInfo}))
	w.static = w.random.IntN(2) == 0
	var err error
	w.cluster, err = kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(partitions, w.job.In, w.job.Out), kfake.ListenFn(w.virtual.Listen),
		kfake.Ports(19091, 19092), kfake.GroupMinSessionTimeout(time.Second), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	require.NoError(t, err)
	w.cluster.ControlKey(int16(kmsg.OffsetForLeaderEpoch), w.epochs)
	w.client, err = kgo.NewClient(append(w.connect(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(t, err)
	return w
}

func (w *world) connect() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.Dialer(w.virtual.DialContext)}
}

// epochs answers where the records of a leader's epoch end: no leader here ever loses
// any. The broker's own answer is made for one that does, and takes consumers back to
// the beginning when a leader moved twice between their records.
func (w *world) epochs(in kmsg.Request) (kmsg.Response, error, bool) {
	w.cluster.KeepControl()
	req := in.(*kmsg.OffsetForLeaderEpochRequest)
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for _, t := range req.Topics {
		answer := kmsg.NewOffsetForLeaderEpochResponseTopic()
		answer.Topic = t.Topic
		for _, p := range t.Partitions {
			end := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			end.Partition, end.LeaderEpoch, end.EndOffset = p.Partition, p.LeaderEpoch, 1<<40
			answer.Partitions = append(answer.Partitions, end)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp, nil, true
}

// moveLeaders gives each partition a leader by the seed's luck.
func (w *world) moveLeaders() {
	for _, topic := range []string{w.job.In, w.job.Out, w.job.Changelog(check.StoreGroups)} {
		for p := range int32(partitions) {
			_ = w.cluster.MoveTopicPartition(topic, p, int32(w.random.IntN(2))) // it may not be there yet
		}
	}
}

func (w *world) close() {
	for _, p := range w.pods {
		p.now.net.cut()
		p.now.stop()
		<-p.now.ended
	}
	w.client.Close()
	w.cluster.Close()
}

// feed writes n inputs to each partition.
func (w *world) feed(n int) {
	for range n {
		for p := range int32(partitions) {
			id := check.ID(p, w.next[p])
			w.next[p]++
			r := &kgo.Record{Topic: w.job.In, Partition: p, Key: []byte("k"), Value: []byte(id), Timestamp: time.UnixMilli(int64(1_000_000 + 100*w.next[p]))}
			require.NoError(w.t, w.client.ProduceSync(context.Background(), r).FirstErr())
		}
	}
}

// hang is an input whose user function does not return before it is released, once.
type hang struct {
	id      string
	release chan struct{}
}

func (h *hang) before(id string) {
	if h != nil && id == h.id {
		<-h.release
	}
}

// outputs counts the committed results.
func (w *world) outputs() (n int64) {
	for p := range int32(partitions) {
		n += w.cluster.PartitionInfo(w.job.Out, p).LastStableOffset
	}
	return n
}

// pod is a process that comes back.
type pod struct {
	w     *world
	index int
	life  int
	disk  *vfs.MemFS
	state string
	now   *life
}

// life is one of a pod's lives.
type life struct {
	net     *network
	disk    *vfs.MemFS
	crashAt string // a step, and how many of it to pass
	left    atomic.Int32
	crashed chan struct{} // closed at the step
	once    sync.Once
	dead    atomic.Bool
	stop    context.CancelFunc
	ended   chan struct{}
	err     error
}

func (w *world) start() {
	for i := range processes {
		p := &pod{w: w, index: i, disk: vfs.NewCrashableMem()}
		w.pods = append(w.pods, p)
		p.live("")
	}
}

// live begins a life, which may be meant to end at a step.
func (p *pod) live(crashAt string) {
	w := p.w
	p.life++
	if p.state == "" {
		p.state = filepath.Join(w.dir, fmt.Sprint("pod-", p.index))
	}
	l := &life{net: newNetwork(w.virtual), disk: p.disk, crashAt: crashAt, crashed: make(chan struct{}), ended: make(chan struct{})}
	l.left.Store(int32(w.random.IntN(4)))
	cfg := streams.Config{
		ApplicationID: w.job.App, Brokers: w.cluster.ListenAddrs(), ProcessingGuarantee: streams.ExactlyOnce, Workers: 1 + w.random.IntN(2),
		StateDir: p.state, CommitInterval: 100 * time.Millisecond, TransactionTimeout: 5 * time.Second,
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 500 * time.Millisecond, RebalanceTimeout: 6 * time.Second,
		MaxPollInterval: 15 * time.Second, MemoryLimit: 64 << 20, NoSignals: true, Logger: w.log.With("pod", p.index, "life", p.life), WaitForSources: 10 * time.Second,
		KafkaOpts: []kgo.Opt{kgo.Dialer(l.net.dial)}, InstanceID: streams.NoInstanceID, StateLockTimeout: time.Minute,
	}
	if w.static {
		cfg.InstanceID = fmt.Sprint("pod-", p.index)
	}
	if w.workers > 0 {
		cfg.Workers = w.workers
	}
	job := w.job
	job.Before = func(id string) { w.hang.Load().before(id) }
	app, err := streams.New(job.Topology(), cfg)
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	ctx = seam.With(ctx, seam.Seams{
		Hook: l.step,
		Disk: func(o pebblestore.Options) pebblestore.Options { o.FS = l.disk; return o },
	})
	go func() {
		defer close(l.ended)
		l.err = app.Run(ctx)
	}()
	p.now = l
}

// step is called between the steps of the process.
func (l *life) step(at string) error {
	if l.dead.Load() {
		return fmt.Errorf("dead before %s", at)
	}
	if at == l.crashAt && l.left.Add(-1) < 0 {
		l.dead.Store(true)
		l.net.cut()
		l.once.Do(func() { close(l.crashed) })
		return fmt.Errorf("crash before %s", at)
	}
	return nil
}

// crash takes the power: what was not synced to the disk is there in part, and nobody
// hears of the process again.
func (p *pod) crash(unsynced int) {
	l := p.now
	l.dead.Store(true)
	l.net.cut()
	p.disk = l.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: p.w.random})
	l.stop()
	<-l.ended
}

// end asks the process to stop.
func (p *pod) end() error {
	p.now.stop()
	<-p.now.ended
	return p.now.err
}

// running reports whether the process is alive.
func (p *pod) running() bool {
	select {
	case <-p.now.ended:
		return false
	default:
		return true
	}
}
