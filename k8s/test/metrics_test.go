package k8stest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamsprom"
)

// exposed are metrics with their labels, as something really serves them.
type exposed map[string][]string

// exposition reads what Prometheus would. Targets' own labels come on top.
func exposition(text string) exposed {
	out := exposed{}
	label := regexp.MustCompile(`([a-zA-Z_]\w*)="`)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.IndexAny(line+" ", "{ ")]
		for _, m := range label.FindAllStringSubmatch(line, -1) {
			if !slices.Contains(out[name], m[1]) {
				out[name] = append(out[name], m[1])
			}
		}
		if out[name] == nil {
			out[name] = []string{}
		}
	}
	return out
}

// application has something for every metric to say.
type application struct{}

func (application) Status() streams.Status {
	return streams.Status{
		ApplicationID: "useractivity", State: streams.StateRestoring, Started: time.Unix(1, 0), LastRebalance: time.Unix(2, 0),
		Skipped: map[streams.SkipKey]uint64{{Operator: "KSTREAM-1", Reason: "late"}: 1}, Rebalances: map[string]uint64{"lost": 1},
		CommitSeconds: streams.Histogram{Bounds: []float64{1}, Counts: []uint64{1, 0}, Count: 1},
		Tasks: []streams.TaskStatus{
			{ID: "0_0", State: streams.TaskRunning},
			{ID: "0_1", State: streams.TaskRestoring, Lag: -1, Restore: &streams.RestoreStatus{Store: "s", Total: 2, ETA: time.Second}},
		},
	}
}

// metrics is everything that dashboards and alerts may ask for: what the library, the
// rescue tool and real brokers expose, and a few of other people's.
func metrics(t *testing.T) exposed {
	t.Helper()
	w := httptest.NewRecorder()
	streamsprom.Handler(application{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	all := w.Body.String()
	for _, file := range []string{"../rescue/internal/patrol/testdata/exposition.prom", "testdata/jmx/kafka-3.8.0.prom"} {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		all += string(b)
	}
	// kube-state-metrics and the kubelet.
	all += `
kube_pod_status_phase{namespace="",pod="",phase=""} 1
kube_pod_owner{namespace="",pod="",owner_kind="",owner_name=""} 1
kubelet_volume_stats_available_bytes{namespace="",persistentvolumeclaim=""} 1
kubelet_volume_stats_capacity_bytes{namespace="",persistentvolumeclaim=""} 1
`
	out := exposition(all)
	out["millrace:task_lag_running_records:sum"] = []string{"application"}
	return out
}

// ask checks one expression: it parses, and every metric and label in it exists.
func (e exposed) ask(where, expr string) (f faults) {
	for variable, v := range map[string]string{"$namespace": "kafka", "$application": "useractivity"} {
		expr = strings.ReplaceAll(expr, variable, v)
	}
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return faults{fmt.Sprintf("%s: %v in %s", where, err, expr)}
	}
	known := map[string]bool{"namespace": true, "pod": true, "__name__": true} // of the scrape
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		labels, there := e[v.Name]
		f.add(!there, "%s: nobody exposes %s", where, v.Name)
		for _, l := range labels {
			known[l] = true
		}
		for _, m := range v.LabelMatchers {
			f.add(there && !known[m.Name] && !slices.Contains(labels, m.Name), "%s: %s has no label %s", where, v.Name, m.Name)
		}
		return nil
	})
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				f.add(!known[l], "%s: groups by %s, which nothing in it has", where, l)
			}
		}
		return nil
	})
	return f
}

// rules: alerts ask for what there is, and each leads to a chapter of the runbook.
func rules(e exposed) func(site) faults {
	return func(s site) (f faults) {
		chapters := anchors(s.source["RUNBOOK.md"])
		for _, o := range s.at("monitoring").kind("PrometheusRule") {
			for _, g := range o.list("spec.groups") {
				for _, r := range list(g, "rules") {
					where := o.String() + " " + text(r, "alert") + text(r, "record")
					f = append(f, e.ask(where, text(r, "expr"))...)
					if text(r, "alert") == "" {
						continue
					}
					f.add(text(r, "labels.severity") == "", "%s: has no severity", where)
					f.add(text(r, "annotations.summary") == "", "%s: has no summary", where)
					book := text(r, "annotations.runbook")
					_, anchor, _ := strings.Cut(book, "#")
					f.add(book != "" && !chapters[anchor], "%s: RUNBOOK.md has no chapter %q", where, anchor)
				}
			}
		}
		return f
	}
}

// anchors are the headings of a page, as links name them.
func anchors(markdown string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(markdown) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		name := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		out[strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(name, ""), " ", "-")] = true
	}
	return out
}

// dashboards: every panel asks for what there is; KEDA too.
func dashboards(e exposed) func(site) faults {
	return func(s site) (f faults) {
		found := 0
		for _, o := range s.at("monitoring").kind("ConfigMap") {
			f.add(value(o.labels(), "grafana_dashboard") != "1", "%s: Grafana's sidecar does not see it", o)
			for file, content := range dict(o.m, "data") {
				found++
				f = append(f, e.dashboard(o.String()+" "+file, fmt.Sprint(content))...)
			}
		}
		f.add(found < 2, "monitoring: %d dashboards", found)
		for _, o := range s.all("ScaledObject") {
			f = append(f, e.ask(o.String(), text(o.m, "spec.triggers[0].metadata.query"))...)
		}
		return f
	}
}

func (e exposed) dashboard(where, content string) (f faults) {
	var board map[string]any
	if err := json.Unmarshal([]byte(content), &board); err != nil {
		return faults{where + ": " + err.Error()}
	}
	f.add(len(list(board, "panels")) == 0 || text(board, "uid") == "", "%s: is empty", where)
	for _, p := range list(board, "panels") {
		f.add(len(list(p, "targets")) == 0, "%s: panel %s asks nothing", where, text(p, "title"))
		for _, q := range list(p, "targets") {
			f = append(f, e.ask(where+" "+text(p, "title"), text(q, "expr"))...)
		}
	}
	return f
}

// monitors: each selects pods that there are, at a port that they have.
func monitors(s site) (f faults) {
	strimzi := []map[string]any{ // pods that Strimzi makes, and their ports
		{"strimzi.io/kind": "Kafka", "strimzi.io/name": "production-cluster-kafka", "port": "tcp-prometheus"},
		{"app.kubernetes.io/name": "entity-operator", "port": "healthcheck"},
		{"strimzi.io/kind": "cluster-operator", "port": "http"},
	}
	for _, o := range s.all("PodMonitor") {
		selector := dict(o.m, "spec.selector.matchLabels")
		for _, e := range o.list("spec.podMetricsEndpoints") {
			found := false
			for _, labels := range strimzi {
				found = found || covers(selector, labels) && labels["port"] == text(e, "port")
			}
			for _, p := range s.all("StatefulSet", "Deployment") {
				found = found || covers(selector, dict(p.pod(), "metadata.labels")) && hasPort(p, text(e, "port"))
			}
			f.add(!found, "%s: selects no pod with a port %s", o, text(e, "port"))
		}
	}
	return f
}

// install: the script leaves out what makes the chart fail, and its versions have values.
func install(s site) (f faults) {
	for line := range strings.Lines(s.source["operator/install.sh"]) {
		f.add(!strings.HasPrefix(line, "#") && strings.Contains(line, "watchNamespaces"), "install.sh: watchNamespaces renders RoleBindings twice, and helm fails")
	}
	for _, version := range []string{"0.44.0", "1.2.0"} {
		var values map[string]any
		err := yaml.UnmarshalStrict([]byte(s.source["operator/values-"+version+".yaml"]), &values)
		f.add(err != nil || len(values) == 0, "operator: values of %s: %v", version, err)
		_, watch := values["watchNamespaces"]
		f.add(watch, "operator: values of %s name watchNamespaces", version)
	}
	f.add(!strings.Contains(s.source["operator/install.sh"], "VERSION=\"${1:-0.44.0}\""), "install.sh: does not install 0.44.0")
	return f
}

// TestPromtool has Prometheus itself check the rules, and try the alerts out.
func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not there (Debian has it in the package prometheus); the rules were parsed by Prometheus's own parser")
	}
	dir := t.TempDir()
	for _, o := range healthy(t).at("monitoring").kind("PrometheusRule") {
		b, err := yaml.Marshal(o.at("spec"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, o.name()+".yaml"), b, 0o600))
		out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", filepath.Join(dir, o.name()+".yaml")).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	cases, err := os.ReadFile("testdata/alerts.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "alerts.yaml"), cases, 0o600))
	out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", filepath.Join(dir, "alerts.yaml")).CombinedOutput()
	require.NoError(t, err, string(out))
}
