package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/goleak"
)

const password = "correct horse"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker starts one that knows the program's user and an admin, and returns its
// address. It knows the topic only if told.
func broker(t *testing.T, acls []kfake.ACL, opts ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append(opts,
		kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("SCRAM-SHA-512", "admin", "admin"),
		kfake.User("SCRAM-SHA-512", user, password, acls...))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// mayWrite is all that the producer needs.
func mayWrite() []kfake.ACL {
	return []kfake.ACL{
		allow(kmsg.ACLOperationWrite),
		allow(kmsg.ACLOperationDescribe),
	}
}

func allow(op kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{
		Resource: kmsg.ACLResourceTypeTopic, Name: topic, Pattern: kmsg.ACLResourcePatternTypeLiteral,
		Operation: op, Allow: true,
	}
}

// produce runs the program within the ten seconds that it promises.
func produce(t *testing.T, env map[string]string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	start, out := time.Now(), new(bytes.Buffer)
	err := run(ctx, func(name string) string { return env[name] }, out)
	require.Less(t, time.Since(start), 10*time.Second)
	return out.String(), err
}

func env(addr, password string) map[string]string {
	return map[string]string{"KAFKA_BOOTSTRAP_SERVERS": addr, "KAFKA_PASSWORD": password}
}

// TestSends: the message is printed, and the record is in the topic as promised.
func TestSends(t *testing.T) {
	t.Parallel()
	addr := broker(t, mayWrite(), kfake.SeedTopics(3, topic))
	out, err := produce(t, env(addr, password))
	require.NoError(t, err)
	require.Equal(t, "Event sent successfully\n", out)

	admin, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SASL(scram.Auth{User: "admin", Pass: "admin"}.AsSha512Mechanism()))
	require.NoError(t, err)
	defer admin.Close()
	records := admin.PollFetches(t.Context()).Records()
	require.Len(t, records, 1)
	require.Equal(t, "u-123", string(records[0].Key))
	require.JSONEq(t, `{"user_id":"u-123","action":"login"}`, string(records[0].Value))
	require.GreaterOrEqual(t, records[0].ProducerID, int64(0), "produced idempotently")
}

// TestFailures: each has its cause by name, and nothing is called sent.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  func(t *testing.T) map[string]string
		want string
	}{
		"wrong password": {func(t *testing.T) map[string]string {
			return env(broker(t, mayWrite(), kfake.SeedTopics(3, topic)), "wrong")
		}, "check KAFKA_PASSWORD"},
		"missing acl": {func(t *testing.T) map[string]string {
			return env(broker(t, nil, kfake.SeedTopics(3, topic)), password)
		}, "user app-producer may not write: it needs the ACL Write on topic user-events"},
		"only describe": {func(t *testing.T) map[string]string {
			return env(broker(t, mayWrite()[1:], kfake.SeedTopics(3, topic)), password)
		}, "user app-producer may not"},
		"unknown topic": {func(t *testing.T) map[string]string {
			return env(broker(t, mayWrite()), password)
		}, "topic user-events does not exist: create it"},
		"no broker":   {func(*testing.T) map[string]string { return env("127.0.0.1:1", password) }, "no answer from 127.0.0.1:1"},
		"nothing set": {func(*testing.T) map[string]string { return nil }, "KAFKA_BOOTSTRAP_SERVERS is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := produce(t, tc.env(t))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), password, "no error may show the password")
			require.Empty(t, out)
		})
	}
}

// TestEveryMissingVariableIsNamed: all at once, not one run after the other.
func TestEveryMissingVariableIsNamed(t *testing.T) {
	t.Parallel()
	_, err := produce(t, nil)
	require.ErrorContains(t, err, "KAFKA_BOOTSTRAP_SERVERS")
	require.ErrorContains(t, err, "KAFKA_PASSWORD")
}

// TestTLS: the authority's file is read, and a wrong one is named.
func TestTLS(t *testing.T) {
	t.Parallel()
	vars := env("127.0.0.1:1", password)
	vars["KAFKA_TLS_CA_FILE"] = filepath.Join(t.TempDir(), "ca.crt")
	_, err := produce(t, vars)
	require.ErrorContains(t, err, "KAFKA_TLS_CA_FILE")
	require.NoError(t, os.WriteFile(vars["KAFKA_TLS_CA_FILE"], []byte("nothing"), 0o600))
	_, err = produce(t, vars)
	require.ErrorContains(t, err, "holds no certificate")

	srv := httptest.NewTLSServer(http.NotFoundHandler()) // no Kafka, but a certificate
	defer srv.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	require.NoError(t, os.WriteFile(vars["KAFKA_TLS_CA_FILE"], ca, 0o600))
	cfg, err := fromEnv(func(name string) string { return vars[name] })
	require.NoError(t, err)
	require.NotNil(t, cfg.tls.RootCAs)
}
