package integration_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/millrace/millrace/integration/broker"
)

// secured makes the container's outer listener demand SASL, and checks every
// request against ACLs. The admin's password is in here; users are added later.
func secured() map[string]string {
	return map[string]string{
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP":                           "BROKER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
		"KAFKA_SASL_ENABLED_MECHANISMS":                                  "PLAIN,SCRAM-SHA-512",
		"KAFKA_LISTENER_NAME_PLAINTEXT_PLAIN_SASL_JAAS_CONFIG":           `org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin";`,
		"KAFKA_LISTENER_NAME_PLAINTEXT_SCRAM__SHA__512_SASL_JAAS_CONFIG": `org.apache.kafka.common.security.scram.ScramLoginModule required;`,
		"KAFKA_AUTHORIZER_CLASS_NAME":                                    "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"KAFKA_SUPER_USERS":                                              "User:admin;User:ANONYMOUS",
	}
}

// securedKafka is a broker of the test's own, and an admin of it.
func securedKafka(t *testing.T) (string, *kadm.Client) {
	t.Helper()
	suite := kafka(t)
	if suite.Kind != broker.Container {
		t.Skipf("needs a container of its own, with SASL; this is the %s", suite)
	}
	b, err := broker.StartContainer(t.Context(), suite.Image, secured())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs...), kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return b.Addrs[0], kadm.NewClient(c)
}

// TestProducer: the event producer against a broker as strict as a real one.
func TestProducer(t *testing.T) {
	t.Parallel()
	addr, admin := securedKafka(t)
	ctx := t.Context()
	_, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: "app-producer", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "right"}})
	require.NoError(t, err)

	exe := filepath.Join(t.TempDir(), "producer")
	goCommand(t, root(t), "build", "-o", exe, "./examples/producer")
	produce := func(password string) (stdout, stderr string, code int) {
		begin := time.Now()
		stdout, stderr, code = runProducer(ctx, t, exe, addr, password)
		require.Less(t, time.Since(begin), 10*time.Second)
		return
	}
	refused := func(password, cause string) {
		stdout, stderr, code := produce(password)
		require.Equal(t, 1, code, stderr)
		require.Empty(t, stdout)
		require.Contains(t, stderr, cause)
	}

	refused("wrong", "check KAFKA_PASSWORD")
	// A topic that a user may not even describe looks the same whether it is there.
	refused("right", "needs the ACL Write on topic user-events")
	acl := kadm.NewACLs().Topics("user-events").ResourcePatternType(kadm.ACLPatternLiteral).
		Operations(kadm.OpWrite).Allow("User:app-producer").AllowHosts("*")
	_, err = admin.CreateACLs(ctx, acl)
	require.NoError(t, err)
	refused("right", "topic user-events does not exist")
	_, err = admin.CreateTopic(ctx, 3, 1, nil, "user-events")
	require.NoError(t, err)

	stdout, stderr, code := produce("right")
	require.Zero(t, code, stderr)
	require.Equal(t, "Event sent successfully\n", stdout)
	offsets, err := admin.ListEndOffsets(ctx, "user-events")
	require.NoError(t, err)
	sum := int64(0)
	offsets.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	require.EqualValues(t, 1, sum)
}

// runProducer runs the program as a container would.
func runProducer(ctx context.Context, t *testing.T, exe, addr, password string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), "KAFKA_BOOTSTRAP_SERVERS="+addr, "KAFKA_PASSWORD="+password)
	out, errs := new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
