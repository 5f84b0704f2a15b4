package k8stest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// pod is one pod's only container, run by Docker as the manifest says.
type pod struct {
	*cluster
	name string
}

// startPod runs a StatefulSet's container: image, arguments, environment, mounts, user
// and limits are read from the rendered manifest; what Kubernetes adds (the pod's name,
// Secrets) is added here. more are variables of the test's own.
func (c *cluster) startPod(t *testing.T, o object, more ...string) *pod {
	t.Helper()
	p := &pod{c, "millrace-k8s-" + o.name() + "-" + random(t, 4)}
	spec := container(o)
	args := []string{
		"run", "-d", "--name", p.name, "--network", c.network, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--user", text(o.pod(), "spec.securityContext.runAsUser") + ":" + text(o.pod(), "spec.securityContext.runAsGroup"),
		"--memory", fmt.Sprint(quantity(text(spec, "resources.limits.memory"))),
		"-e", "KUBERNETES_SERVICE_HOST=10.0.0.1", // as in every pod
	}
	args = append(args, c.environment(t, o)...)
	for _, m := range list(spec, "volumeMounts") {
		args = append(args, c.mount(t, o, m)...)
	}
	args = append(append(args, more...), text(spec, "image"))
	for _, a := range list(spec, "args") {
		args = append(args, fmt.Sprint(a))
	}
	docker(t, args...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(docker(t, "logs", "--tail", "40", p.name))
		}
		_ = exec.Command("docker", "rm", "-f", p.name).Run()
	})
	return p
}

// environment resolves the references as the kubelet does.
func (c *cluster) environment(t *testing.T, o object) (args []string) {
	t.Helper()
	for name, e := range env(container(o)) {
		v := text(e, "value")
		switch {
		case text(e, "valueFrom.fieldRef.fieldPath") == "metadata.name":
			v = o.name() + "-0"
		case at(e, "valueFrom.secretKeyRef") != nil:
			require.Equal(t, "password", text(e, "valueFrom.secretKeyRef.key"))
			v = c.passwords[text(e, "valueFrom.secretKeyRef.name")]
			require.NotEmpty(t, v)
		}
		args = append(args, "-e", name+"="+v)
	}
	return args
}

// mount gives a volume of the pod its place: the claim a folder that belongs to the
// fsGroup, the Secret its file, an emptyDir memory.
func (c *cluster) mount(t *testing.T, o object, m any) []string {
	t.Helper()
	where := text(m, "mountPath")
	for _, v := range list(o.pod(), "spec.volumes") {
		switch {
		case text(v, "name") != text(m, "name"):
		case at(v, "emptyDir") != nil:
			return []string{"--tmpfs", where}
		case text(v, "secret.secretName") == "production-cluster-cluster-ca-cert":
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.crt"), []byte(c.ca), 0o644))
			require.NoError(t, os.Chmod(dir, 0o755))
			return []string{"-v", dir + ":" + where + ":ro"}
		}
	}
	require.Equal(t, text(o.m, "spec.volumeClaimTemplates[0].metadata.name"), text(m, "name"))
	volume := "millrace-k8s-state-" + random(t, 4)
	docker(t, "volume", "create", volume)
	t.Cleanup(func() { _ = exec.Command("docker", "volume", "rm", "-f", volume).Run() })
	// What fsGroup does in Kubernetes. The Kafka image has a chown.
	group := text(o.pod(), "spec.securityContext.fsGroup")
	docker(t, "run", "--rm", "-v", volume+":/state", "--entrypoint", "/bin/chown", kafkaImage, "0:"+group, "/state")
	docker(t, "run", "--rm", "-v", volume+":/state", "--entrypoint", "/bin/chmod", kafkaImage, "2775", "/state")
	return []string{"-v", volume + ":" + where}
}

// ask is a page of the container's endpoints; empty while nobody answers.
func (p *pod) ask(t *testing.T, ctx context.Context, path string) string {
	return scrape(ctx, "http://"+address(t, p.name, p.network)+":8080"+path)
}

// ready waits as the kubelet would.
func (p *pod) ready(t *testing.T) {
	t.Helper()
	eventually(t, p.name+" is ready", func(ctx context.Context) bool { return strings.Contains(p.ask(t, ctx, "/readyz"), `"ok": true`) })
}

// metric is one value of /metrics.
func (p *pod) metric(t *testing.T, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `(?:\{[^}]*\})? (\S+)$`).FindStringSubmatch(p.ask(t, t.Context(), "/metrics"))
	require.Len(t, m, 2, name)
	return m[1]
}

// as is a client with a user's own password, through the listener without TLS.
func (c *cluster) as(t *testing.T, user string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: c.passwords[user]}.AsSha512Mechanism()))
	client, err := kgo.NewClient(append(opts, c.dial("9092")...)...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// send produces n events, as the producer's user.
func (c *cluster) send(t *testing.T, client *kgo.Client, n int) {
	t.Helper()
	var records []*kgo.Record
	for i := range n {
		user := fmt.Sprintf("u-%d", i%7)
		v, err := json.Marshal(map[string]string{"user_id": user, "action": "login"})
		require.NoError(t, err)
		records = append(records, &kgo.Record{Topic: "user-events", Key: []byte(user), Value: v})
	}
	require.NoError(t, client.ProduceSync(t.Context(), records...).FirstErr())
}

// counted is the sum of all counts that the job has written: the last of each key.
func (c *cluster) counted(t *testing.T, ctx context.Context) (sum int64) {
	ends, err := c.admin.ListEndOffsets(ctx, "user-activity-per-minute")
	if err != nil || ends.Error() != nil {
		return -1
	}
	left := map[int32]int64{}
	for _, e := range ends["user-activity-per-minute"] {
		if e.Offset > 0 {
			left[e.Partition] = e.Offset
		}
	}
	consumer, err := kgo.NewClient(append(c.dial("9094"), kgo.ConsumeTopics("user-activity-per-minute"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	require.NoError(t, err)
	defer consumer.Close()
	last := map[string]int64{}
	for len(left) > 0 {
		fetches := consumer.PollFetches(ctx)
		if fetches.Err() != nil {
			return -1
		}
		for r := range fetches.RecordsAll() {
			last[string(r.Key)] = int64(binary.BigEndian.Uint64(r.Value))
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		}
	}
	for _, n := range last {
		sum += n
	}
	return sum
}

// TestTheImageAsTheManifestSays: the StatefulSet's image, environment and arguments
// against a Kafka with SCRAM-SHA-512, TLS and ACLs on, each program as its own user. It
// processes user-events, is killed, and comes back as the same member with its state.
func TestTheImageAsTheManifestSays(t *testing.T) {
	t.Parallel()
	o := healthy(t).at("apps/overlays/local-pv").one("StatefulSet", "useractivity")
	need(t, kafkaImage, text(container(o), "image"))
	c := startCluster(t)
	producer := c.as(t, "app-producer")
	c.denied(t)
	c.send(t, producer, 500)

	p := c.startPod(t, o, "-e", "MILLRACE_COMMIT_INTERVAL=1s")
	p.ready(t)
	eventually(t, "all events are counted", func(ctx context.Context) bool { return c.counted(t, ctx) == 500 })
	eventually(t, "and committed", func(ctx context.Context) bool { return c.committed(ctx) == 500 })
	generation := p.metric(t, "millrace_group_generation")
	require.Equal(t, []string{"useractivity-0"}, c.members(t), "the pod's name is the static member's")

	docker(t, "kill", p.name)
	c.send(t, producer, 300)
	docker(t, "start", p.name)
	p.ready(t)
	eventually(t, "the rest is counted on top", func(ctx context.Context) bool { return c.counted(t, ctx) == 800 })
	require.Equal(t, generation, p.metric(t, "millrace_group_generation"), "no rebalance")
	require.Equal(t, []string{"useractivity-0"}, c.members(t))

	begin := time.Now()
	docker(t, "stop", "--time", text(o.pod(), "spec.terminationGracePeriodSeconds"), p.name)
	require.Less(t, time.Since(begin), 20*time.Second, "it stops by itself")
	require.Equal(t, "0", docker(t, "inspect", "-f", "{{.State.ExitCode}}", p.name))
	for _, line := range strings.Split(docker(t, "diff", p.name), "\n") {
		_, path, _ := strings.Cut(line, " ")
		require.True(t, aboveMount(o, path), "%s was written outside of the volumes", path)
	}
	c.rescued(t)
}

// denied: ACLs are on, or the rest would show nothing.
func (c *cluster) denied(t *testing.T) {
	t.Helper()
	client := c.as(t, "app-producer", kgo.UnknownTopicRetries(1), kgo.RecordRetries(1))
	err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "lines", Value: []byte("x")}).FirstErr()
	client.Close()
	require.True(t, errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.UnknownTopicOrPartition), "%v", err)
}

// aboveMount is whether a folder is one that Docker makes to mount a volume at.
func aboveMount(o object, path string) bool {
	for _, m := range list(container(o), "volumeMounts") {
		if strings.HasPrefix(text(m, "mountPath")+"/", path+"/") {
			return true
		}
	}
	return false
}

// rescued: the rescue tool's own user may remove the member that is gone, and the
// producer's may not.
func (c *cluster) rescued(t *testing.T) {
	t.Helper()
	leave := func(user string) error {
		left, err := kadm.NewClient(c.as(t, user)).LeaveGroup(t.Context(), kadm.LeaveGroup("useractivity").InstanceIDs("useractivity-0"))
		if err != nil {
			return err
		}
		return left["useractivity-0"].Err
	}
	require.Error(t, leave("app-producer"))
	require.NoError(t, leave("millrace-rescue"))
	require.Empty(t, c.members(t))
}

// committed is how far the group has come in the events.
func (c *cluster) committed(ctx context.Context) (sum int64) {
	offsets, err := c.admin.FetchOffsets(ctx, "useractivity")
	if err != nil {
		return -1
	}
	for _, o := range offsets["user-events"] {
		sum += max(o.At, 0)
	}
	return sum
}

// members are the static members of the group.
func (c *cluster) members(t *testing.T) (out []string) {
	t.Helper()
	groups, err := c.admin.DescribeGroups(t.Context(), "useractivity")
	require.NoError(t, err)
	for _, m := range groups["useractivity"].Members {
		require.NotNil(t, m.InstanceID)
		out = append(out, *m.InstanceID)
	}
	return out
}

// TestTheProducerJob: the Job's container delivers as it is, and at the listener with
// TLS too; with another user's password it says so and fails.
func TestTheProducerJob(t *testing.T) {
	t.Parallel()
	job := healthy(t).at("producer").one("Job", "producer")
	need(t, kafkaImage, text(container(job), "image"))
	c := startCluster(t)
	ca := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(ca, "ca.crt"), []byte(c.ca), 0o644))
	require.NoError(t, os.Chmod(ca, 0o755))
	for name, tc := range map[string]struct {
		more []string
		exit string
		says string
	}{
		"9092":             {nil, "0", "Event sent successfully"},
		"9093":             {[]string{"-v", ca + ":/ca:ro", "-e", "KAFKA_TLS_CA_FILE=/ca/ca.crt", "-e", "KAFKA_BOOTSTRAP_SERVERS=" + bootstrap + ":9093"}, "0", "Event sent successfully"},
		"another password": {[]string{"-e", "KAFKA_PASSWORD=" + c.passwords["wordcount"]}, "1", "check KAFKA_PASSWORD"},
	} {
		p := c.startPod(t, job, tc.more...)
		require.Equal(t, tc.exit, docker(t, "wait", p.name), "%s: %s", name, docker(t, "logs", p.name))
		require.Contains(t, docker(t, "logs", p.name), tc.says, name)
	}
	ends, err := c.admin.ListEndOffsets(t.Context(), "user-events")
	require.NoError(t, err)
	sum := int64(0)
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	require.EqualValues(t, 2, sum)
}

// TestTheOtherApplication: wordcount, with its own user, ACLs and topics.
func TestTheOtherApplication(t *testing.T) {
	t.Parallel()
	o := healthy(t).at("apps/overlays/local-pv").one("StatefulSet", "wordcount")
	need(t, kafkaImage, text(container(o), "image"))
	c := startCluster(t)
	client, err := kgo.NewClient(append(c.dial("9094"), kgo.ConsumeTopics("counts"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: "lines", Value: []byte("all streams lead to kafka")}).FirstErr())
	c.startPod(t, o).ready(t)
	words := map[string]bool{}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for len(words) < 5 {
		fetches := client.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		for r := range fetches.RecordsAll() {
			words[string(r.Key)] = true
		}
	}
}
