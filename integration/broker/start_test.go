package broker_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/integration/broker"
)

// TestEmbedded: the choice that needs nothing starts, answers and ends.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	b, err := broker.Start(t.Context(), func(name string) string {
		return map[string]string{"MILLRACE_TEST_BROKER": "embedded"}[name]
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	require.False(t, b.Real())
	require.Contains(t, b.String(), "embedded broker at 127.0.0.1:")
	answers(t, b)
}

// TestContainerNeverFallsBack: where a container is demanded, an image that cannot
// be had is an error, whatever this machine has.
func TestContainerNeverFallsBack(t *testing.T) {
	t.Parallel()
	_, err := broker.Start(t.Context(), func(name string) string {
		return map[string]string{"MILLRACE_TEST_BROKER": "container", "MILLRACE_KAFKA_VERSION": "0.0.1"}[name]
	})
	require.Error(t, err)
}

// TestAsTheEnvironmentSays starts what the suite would use.
func TestAsTheEnvironmentSays(t *testing.T) {
	t.Parallel()
	b, err := broker.Start(t.Context(), os.Getenv)
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	t.Log(b)
	answers(t, b)
}

// answers: somebody is there.
func answers(t *testing.T, b *broker.Broker) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs...))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Ping(t.Context()))
}
