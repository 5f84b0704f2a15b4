package embedded_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, opts ...embedded.Option) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(opts...)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func client(t *testing.T, b *embedded.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.Addrs()...), kgo.DefaultProduceTopic("t"))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// TestRoundTrip: what is produced can be consumed.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := start(t, embedded.WithTopic("t", 3))
	require.NoError(t, client(t, b).ProduceSync(t.Context(), kgo.StringRecord("hello")).FirstErr())
	reader := client(t, b, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	records := reader.PollFetches(t.Context()).Records()
	require.Len(t, records, 1)
	require.Equal(t, "hello", string(records[0].Value))
}

// TestOnlyLoopback: no other machine can reach it.
func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range start(t).Addrs() {
		host, _, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		require.True(t, net.ParseIP(host).IsLoopback(), addr)
	}
}

// TestNoTopicByAccident: an unknown topic stays unknown.
func TestNoTopicByAccident(t *testing.T) {
	t.Parallel()
	c := client(t, start(t), kgo.UnknownTopicRetries(0))
	require.ErrorIs(t, c.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr(), kerr.UnknownTopicOrPartition)
}

// TestUsers: the right password works, a wrong one does not.
func TestUsers(t *testing.T) {
	t.Parallel()
	b := start(t, embedded.WithUser("PLAIN", "ann", "secret"))
	require.NoError(t, client(t, b, kgo.SASL(plain.Auth{User: "ann", Pass: "secret"}.AsMechanism())).Ping(t.Context()))
	require.Error(t, client(t, b, kgo.SASL(plain.Auth{User: "ann", Pass: "wrong"}.AsMechanism())).Ping(t.Context()))
}

// TestPort: a taken port is an error that names it, and closing twice is fine.
func TestPort(t *testing.T) {
	t.Parallel()
	b := start(t)
	_, port, err := net.SplitHostPort(b.Addrs()[0])
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	_, err = embedded.Start(embedded.WithPort(n))
	require.ErrorContains(t, err, port)
	b.Close()
}

func Example() {
	broker, err := embedded.Start(embedded.WithTopic("lines", 4))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()

	client, _ := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	defer client.Close()
	topics, _ := kadm.NewClient(client).ListTopics(context.Background())
	fmt.Println(topics.Names(), len(topics["lines"].Partitions))
	// Output: [lines] 4
}
