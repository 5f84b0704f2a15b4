package k8stest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	kafkaImage = "millrace/kafka:3.8.0" // integration/image/build.sh makes it
	// bootstrap is what the manifests call the cluster.
	bootstrap = "production-cluster-kafka-bootstrap.kafka.svc"
	// soon bounds every wait; it is long, because CI machines are slow.
	soon = 2 * time.Minute
)

// docker runs the client.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	require.NoError(t, err, "docker %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// need leaves a test out where an image is missing; MILLRACE_K8S_DOCKER=required, as in
// CI, makes that a failure.
func need(t *testing.T, images ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: starts containers")
	}
	for _, image := range images {
		if err := exec.Command("docker", "image", "inspect", image).Run(); err != nil {
			why := "there is no Docker image " + image + ": see k8s/README.md, \"Checking\""
			require.NotEqual(t, "required", os.Getenv("MILLRACE_K8S_DOCKER"), why)
			t.Skip(why)
		}
	}
}

// cluster is a Kafka in a container, configured as the dev overlay says, with its users.
type cluster struct {
	network, container, ip, ca string
	admin                      *kadm.Client
	passwords                  map[string]string
}

// startCluster does by hand what the operators do: the broker's configuration is that of
// the Kafka, each KafkaTopic is created, each KafkaUser gets a password and its ACLs.
func startCluster(t *testing.T, extra ...string) *cluster {
	t.Helper()
	id := random(t, 4)
	c := &cluster{network: "millrace-k8s-" + id, container: "millrace-k8s-kafka-" + id, passwords: map[string]string{}}
	r := healthy(t).at("kafka/overlays/dev")
	docker(t, "network", "create", c.network)
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", c.network).Run() })
	tls := c.certificates(t)
	args := []string{
		"run", "-d", "--name", c.container, "--network", c.network, "-v", tls + ":/tls:ro",
		"--network-alias", bootstrap, "--network-alias", bootstrap + ".cluster.local",
	}
	for name, v := range brokerEnv(r) {
		args = append(args, "-e", name+"="+v)
	}
	docker(t, append(append(args, extra...), kafkaImage)...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(docker(t, "logs", "--tail", "40", c.container))
		}
		_ = exec.Command("docker", "rm", "-f", c.container).Run()
	})
	c.ip = address(t, c.container, c.network)
	client, err := kgo.NewClient(c.dial("9094")...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	c.admin = kadm.NewClient(client)
	eventually(t, "the broker answers", func(ctx context.Context) bool { return client.Ping(ctx) == nil })
	c.topics(t, r)
	c.users(t, r)
	return c
}

func random(t *testing.T, n int) string {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return hex.EncodeToString(b)
}

func address(t *testing.T, container, network string) string {
	t.Helper()
	return docker(t, "inspect", "-f", fmt.Sprintf("{{(index .NetworkSettings.Networks %q).IPAddress}}", network), container)
}

func eventually(t *testing.T, what string, ok func(context.Context) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return ok(ctx)
	}, soon, 100*time.Millisecond, what)
}

// brokerEnv is the broker's configuration: listeners, authentication and settings of the
// Kafka, and a listener for the test itself, which may do everything.
func brokerEnv(r rendered) map[string]string {
	out := map[string]string{
		"KAFKA_NODE_ID": "1", "KAFKA_PROCESS_ROLES": "broker,controller", "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
		"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:9095", "KAFKA_INTER_BROKER_LISTENER_NAME": "ADMIN",
		"KAFKA_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512", "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
		"KAFKA_AUTHORIZER_CLASS_NAME": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "KAFKA_SUPER_USERS": "User:ANONYMOUS",
		"KAFKA_SSL_KEYSTORE_TYPE": "PEM", "KAFKA_SSL_KEYSTORE_LOCATION": "/tls/broker.pem",
		"KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "5", "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "5",
	}
	listeners, advertised := "ADMIN://:9094,CONTROLLER://:9095", "ADMIN://"+bootstrap+":9094"
	protocols := "ADMIN:PLAINTEXT,CONTROLLER:PLAINTEXT"
	for _, l := range r.kafka().list("spec.kafka.listeners") {
		name := strings.ToUpper(text(l, "name"))
		listeners += fmt.Sprintf(",%s://:%s", name, text(l, "port"))
		advertised += fmt.Sprintf(",%s://%s:%s", name, bootstrap, text(l, "port"))
		protocols += "," + name + ":" + map[bool]string{true: "SASL_SSL", false: "SASL_PLAINTEXT"}[text(l, "tls") == "true"]
		out["KAFKA_LISTENER_NAME_"+name+"_SCRAM__SHA__512_SASL_JAAS_CONFIG"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	}
	out["KAFKA_LISTENERS"], out["KAFKA_ADVERTISED_LISTENERS"], out["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] = listeners, advertised, protocols
	for key, v := range dict(r.kafka().m, "spec.kafka.config") {
		out["KAFKA_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = fmt.Sprint(v)
	}
	return out
}

// dial reaches the container under any name that the broker gives itself.
func (c *cluster) dial(port string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(bootstrap + ":" + port), kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(c.ip, port))
		}),
	}
}

// topics creates those of the manifests.
func (c *cluster) topics(t *testing.T, r rendered) {
	t.Helper()
	for _, o := range r.kind("KafkaTopic") {
		config := map[string]*string{}
		for k, v := range dict(o.m, "spec.config") {
			s := fmt.Sprint(v)
			config[k] = &s
		}
		_, err := c.admin.CreateTopic(t.Context(), int32(o.number("spec.partitions")), int16(o.number("spec.replicas")), config, o.name())
		require.NoError(t, err, o.name())
	}
}

// users makes those of the manifests, each with its own password and ACLs.
func (c *cluster) users(t *testing.T, r rendered) {
	t.Helper()
	for _, o := range r.kind("KafkaUser") {
		c.passwords[o.name()] = random(t, 16)
		made, err := c.admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{
			User: o.name(), Mechanism: kadm.ScramSha512, Iterations: 4096, Password: c.passwords[o.name()],
		}})
		require.NoError(t, err)
		require.NoError(t, made.Error())
		for _, acl := range o.list("spec.authorization.acls") {
			b := aclOf(t, o.name(), acl)
			granted, err := c.admin.CreateACLs(t.Context(), b)
			require.NoError(t, err)
			for _, g := range granted {
				require.NoError(t, g.Err)
			}
		}
		client := c.as(t, o.name())
		eventually(t, "the broker knows "+o.name(), func(ctx context.Context) bool { return client.Ping(ctx) == nil })
	}
}

func aclOf(t *testing.T, user string, acl any) *kadm.ACLBuilder {
	t.Helper()
	operations := map[string]kadm.ACLOperation{
		"Read": kadm.OpRead, "Write": kadm.OpWrite, "Create": kadm.OpCreate, "Delete": kadm.OpDelete, "Describe": kadm.OpDescribe,
		"DescribeConfigs": kadm.OpDescribeConfigs, "Alter": kadm.OpAlter, "AlterConfigs": kadm.OpAlterConfigs,
	}
	b := kadm.NewACLs().Allow("User:" + user).AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral)
	if text(acl, "resource.patternType") == "prefix" {
		b.ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	name := text(acl, "resource.name")
	switch text(acl, "resource.type") {
	case "topic":
		b.Topics(name)
	case "group":
		b.Groups(name)
	case "transactionalId":
		b.TransactionalIDs(name)
	default:
		require.Fail(t, "an ACL on a "+text(acl, "resource.type"))
	}
	var ops []kadm.ACLOperation
	for _, o := range list(acl, "operations") {
		op, ok := operations[fmt.Sprint(o)]
		require.True(t, ok, o)
		ops = append(ops, op)
	}
	return b.Operations(ops...)
}

// certificates are an authority of the test's own and the broker's certificate, for the
// names that Strimzi gives it too. It returns the folder.
func (c *cluster) certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cluster-ca"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, &caKey.PublicKey, caKey)
	require.NoError(t, err)
	broker := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "broker"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		DNSNames: []string{bootstrap, bootstrap + ".cluster.local"},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	cert, err := x509.CreateCertificate(rand.Reader, broker, authority, &key.PublicKey, caKey)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	keystore := append(block("PRIVATE KEY", der), block("CERTIFICATE", cert)...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broker.pem"), keystore, 0o644))
	c.ca = string(block("CERTIFICATE", ca))
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}
