package txn_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/millrace/millrace/streams/internal/client"
	"github.com/millrace/millrace/streams/internal/txn"
)

// bench is a producer in front of a broker, beside the member of a group.
type bench struct {
	t        *testing.T
	cluster  *kfake.Cluster
	config   client.Config
	kind     client.Transactions
	producer *txn.Producer
	member   *kgo.Client
}

func newBench(t *testing.T, opts ...kfake.Opt) *bench {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.SeedTopics(1, "in", "out"))...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	b := &bench{t: t, cluster: cluster, config: client.Config{Brokers: cluster.ListenAddrs()}}
	admin, err := b.config.New()
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	b.kind, err = client.CheckTransactions(t.Context(), admin)
	require.NoError(t, err)
	b.member, err = b.config.New(kgo.ConsumerGroup("app"), kgo.ConsumeTopics("in"), kgo.DisableAutoCommit())
	require.NoError(t, err)
	t.Cleanup(b.member.Close)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		b.member.PollFetches(ctx)
		_, generation := b.member.GroupMetadata()
		return generation > 0
	}, 20*time.Second, time.Millisecond, "a member")
	b.producer = b.open()
	return b
}

func (b *bench) open() *txn.Producer {
	b.t.Helper()
	cl, err := b.config.New(b.kind.Opts("app-1", 10*time.Second)...)
	require.NoError(b.t, err)
	b.t.Cleanup(cl.Close)
	p := &txn.Producer{Client: cl, ID: "app-1", Group: "app", Implicit: b.kind.Implicit}
	require.NoError(b.t, p.Init(b.t.Context()))
	return p
}

// send produces and commits an offset of the source, by some membership.
func (b *bench) send(p *txn.Producer, m txn.Membership, offset int64) error {
	ctx := b.t.Context()
	if err := p.Client.ProduceSync(ctx, &kgo.Record{Topic: "out", Value: []byte("v")}).FirstErr(); err != nil {
		return err
	}
	if err := p.Register(ctx); err != nil {
		return err
	}
	return p.AddOffsets(ctx, m, []txn.Offset{{Topic: "in", Offset: offset, LeaderEpoch: -1, Metadata: "meta"}})
}

func (b *bench) committed() kadm.Offset {
	b.t.Helper()
	all, err := kadm.NewClient(b.member).FetchOffsets(b.t.Context(), "app")
	require.NoError(b.t, err)
	o, _ := all.Lookup("in", 0)
	return o.Offset
}

func (b *bench) is() txn.Membership { return txn.Member{Client: b.member}.Membership() }

// TestProducerCommits, on brokers of both kinds, several transactions in a row.
func TestProducerCommits(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]kfake.Opt{"implicit": nil, "explicit": {kfake.MaxVersions(kversion.V3_8_0())}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, opts...)
			require.Equal(t, name == "implicit", b.kind.Implicit)
			for i := range int64(3) {
				require.NoError(t, b.send(b.producer, b.is(), i+1))
				require.NoError(t, b.producer.End(t.Context()))
				require.Eventually(t, func() bool { return b.committed().At == i+1 }, 20*time.Second, time.Millisecond)
			}
			require.Equal(t, "meta", b.committed().Metadata)
		})
	}
}

// TestTooOld: brokers that cannot verify transactions are refused, with a reason.
func TestTooOld(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.MaxVersions(kversion.V3_7_0()))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	admin, err := client.Config{Brokers: cluster.ListenAddrs()}.New()
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	_, err = client.CheckTransactions(t.Context(), admin)
	require.ErrorContains(t, err, "older than Kafka 3.8")
	require.ErrorContains(t, err, "AtLeastOnce")
}

// TestMembershipOnTheWire: offsets in a transaction always carry who commits them. A
// broker takes them without, too, and then fences nobody.
func TestMembershipOnTheWire(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var mu sync.Mutex
	var seen []*kmsg.TxnOffsetCommitRequest
	b.cluster.ControlKey(int16(kmsg.TxnOffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.(*kmsg.TxnOffsetCommitRequest))
		return nil, nil, false
	})
	m := b.is()
	require.NoError(t, b.send(b.producer, m, 1))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, seen, 1)
	require.Equal(t, m.MemberID, seen[0].MemberID)
	require.Equal(t, m.Generation, seen[0].Generation)
	require.NotEmpty(t, m.MemberID)
}

// TestZombiesAreToldByTheirGeneration, and by their member id.
func TestZombiesAreToldByTheirGeneration(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.is()
	old.Generation--
	require.ErrorIs(t, b.send(b.producer, old, 1), kerr.IllegalGeneration)
	require.ErrorIs(t, b.send(b.producer, txn.Membership{MemberID: "gone", Generation: b.is().Generation}, 1), kerr.UnknownMemberID)
	require.NoError(t, b.send(b.producer, b.is(), 1), "in the same transaction")
	require.NoError(t, b.producer.End(t.Context()))
}

// TestNextProducerFences: what an earlier one of the same name left open is aborted, and
// it can write no more.
func TestNextProducerFences(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.send(b.producer, b.is(), 5))
	next := b.open()
	require.NotEqual(t, int64(5), b.committed().At)
	err := b.send(b.producer, b.is(), 6)
	if err == nil {
		err = b.producer.End(t.Context())
	}
	require.Equal(t, txn.Abort, txn.Judge(err), "%v", err)
	require.NoError(t, b.send(next, b.is(), 7))
	require.NoError(t, next.End(t.Context()))
	require.Eventually(t, func() bool { return b.committed().At == 7 }, 20*time.Second, time.Millisecond)
}

// TestClientEndsNothingWithoutRecords is why a commit with nothing produced takes
// another way: the client sends no EndTxn, and the offsets stay pending. If a new
// version of it does, the branch can go.
func TestClientEndsNothingWithoutRecords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ends := 0
	var mu sync.Mutex
	b.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		ends++
		return nil, nil, false
	})
	require.NoError(t, b.producer.Register(t.Context()))
	require.NoError(t, b.producer.AddOffsets(t.Context(), b.is(), []txn.Offset{{Topic: "in", Offset: 1, LeaderEpoch: -1}}))
	require.NoError(t, b.producer.End(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	require.Zero(t, ends)
	resp, err := kmsg.NewPtrListTransactionsRequest().RequestWith(t.Context(), b.member)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(resp.TransactionStates, func(s kmsg.ListTransactionsResponseTransactionState) bool {
		return s.TransactionalID == "app-1" && s.TransactionState == "Ongoing"
	}))
}

// TestMemberCommits outside of transactions, for nobody but itself.
func TestMemberCommits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := txn.Member{Client: b.member}
	require.NoError(t, m.Alive(t.Context()))
	old := m.Membership()
	old.Generation--
	require.ErrorIs(t, m.Commit(t.Context(), old, []txn.Offset{{Topic: "in", Offset: 3, LeaderEpoch: -1}}), kerr.IllegalGeneration)
	require.NoError(t, m.Commit(t.Context(), m.Membership(), []txn.Offset{{Topic: "in", Offset: 4, LeaderEpoch: -1, Metadata: "x"}}))
	require.EqualValues(t, 4, b.committed().At)
	require.Equal(t, "x", b.committed().Metadata)
}
