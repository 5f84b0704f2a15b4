package members_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/k8s/rescue/internal/members"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// TestStaticAndRemove: a member with an instance id is listed, and gone afterwards.
func TestStaticAndRemove(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in"))
	require.NoError(t, err)
	defer broker.Close()
	g, err := members.FromEnv(env(map[string]string{"KAFKA_BOOTSTRAP_SERVERS": broker.ListenAddrs()[0]}))
	require.NoError(t, err)
	defer g.Close()

	none, err := g.Static(t.Context(), "no-such-group")
	require.NoError(t, err)
	require.Empty(t, none)

	member, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.ConsumeTopics("in"),
		kgo.ConsumerGroup("app"), kgo.InstanceID("app-3"), kgo.DisableAutoCommit())
	require.NoError(t, err)
	defer member.Close()
	require.Eventually(t, func() bool {
		static, err := g.Static(t.Context(), "app")
		return err == nil && len(static) == 1 && static[0] == "app-3"
	}, 30*time.Second, 20*time.Millisecond)
	member.Close() // a static member does not leave by itself: that is the point

	require.NoError(t, g.Remove(t.Context(), "app", "app-3"))
	static, err := g.Static(t.Context(), "app")
	require.NoError(t, err)
	require.Empty(t, static)
	require.NoError(t, g.Remove(t.Context(), "app", "app-3"), "who has left already is no error")
}

// TestFromEnv: no Kafka is allowed, a broken one is told.
func TestFromEnv(t *testing.T) {
	t.Parallel()
	g, err := members.FromEnv(env(nil))
	require.NoError(t, err)
	require.Nil(t, g)

	vars := map[string]string{"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_TLS_CA_FILE": filepath.Join(t.TempDir(), "ca.crt")}
	_, err = members.FromEnv(env(vars))
	require.ErrorContains(t, err, "KAFKA_TLS_CA_FILE")
	require.NoError(t, os.WriteFile(vars["KAFKA_TLS_CA_FILE"], []byte("no certificate"), 0o600))
	_, err = members.FromEnv(env(vars))
	require.ErrorContains(t, err, "holds no certificate")
}
