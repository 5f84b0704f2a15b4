package k8stest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

var update = flag.Bool("update", false, "write testdata/jmx anew from the running broker")

// TestJMXExposition: a real Kafka 3.8.0 with the exporter that Strimzi's images carry
// and the rules of the manifest exposes what testdata says, and with it what alerts and
// dashboards ask for. MILLRACE_JMX_AGENT is jmx_prometheus_javaagent-1.0.1.jar.
func TestJMXExposition(t *testing.T) {
	t.Parallel()
	agent := os.Getenv("MILLRACE_JMX_AGENT")
	if agent == "" {
		t.Skip("MILLRACE_JMX_AGENT names no jmx_prometheus_javaagent-1.0.1.jar; the recorded exposition is used as it is")
	}
	need(t, kafkaImage)
	dir := t.TempDir()
	jar, err := os.ReadFile(agent)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "agent.jar"), jar, 0o644))
	rules := dict(healthy(t).at("kafka/base").one("ConfigMap", "kafka-metrics").m, "data")["kafka-metrics-config.yml"]
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(fmt.Sprint(rules)), 0o644))
	require.NoError(t, os.Chmod(dir, 0o755))
	c := startCluster(t, "-v", dir+":/jmx:ro", "-e", "KAFKA_OPTS=-javaagent:/jmx/agent.jar=9404:/jmx/rules.yml")
	client, err := kgo.NewClient(c.dial("9094")...)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: "user-events", Value: []byte("x")}).FirstErr())
	consumer, err := kgo.NewClient(append(c.dial("9094"), kgo.ConsumeTopics("user-events"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	require.NoError(t, err)
	defer consumer.Close()
	require.NoError(t, consumer.PollFetches(t.Context()).Err()) // topics that nobody reads have no bytes out

	var got string
	eventually(t, "the exporter has the topic's metrics", func(ctx context.Context) bool {
		got = scrape(ctx, "http://"+c.ip+":9404/metrics")
		return strings.Contains(got, `kafka_server_brokertopicmetrics_bytesout_total{topic="user-events"`)
	})
	const golden = "testdata/jmx/kafka-3.8.0.prom"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(skeleton(got)), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	now := exposition(got)
	for name, labels := range exposition(string(want)) {
		require.Contains(t, now, name)
		require.Subset(t, now[name], labels, name)
	}
}

// skeleton is an exposition without its values: each metric once, with its labels.
func skeleton(text string) string {
	e := exposition(text)
	out := "# What Kafka 3.8.0 exposed with kafka/base/metrics.yaml: names and labels, no values.\n"
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !strings.HasPrefix(name, "kafka_") && !strings.HasPrefix(name, "jvm_memory_used") {
			continue
		}
		slices.Sort(e[name])
		var labels []string
		for _, l := range e[name] {
			labels = append(labels, l+`=""`)
		}
		out += name + "{" + strings.Join(labels, ",") + "} 0\n"
	}
	return out
}

func scrape(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}
