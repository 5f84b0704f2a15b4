package k8stest

import (
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// jmxRule is one rule of the exporter.
type jmxRule struct {
	Pattern string            `json:"pattern"`
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	Labels  map[string]string `json:"labels"`
}

type jmxConfig struct {
	LowercaseOutputName bool      `json:"lowercaseOutputName"`
	Rules               []jmxRule `json:"rules"`
}

// jmxOf reads the rules that a Kafka refers to, or says why there are none. The
// operator parses them too, and makes no broker where it cannot.
func jmxOf(r rendered) (c jmxConfig, f faults) {
	k := r.kafka()
	name, key := k.text("spec.kafka.metricsConfig.valueFrom.configMapKeyRef.name"), k.text("spec.kafka.metricsConfig.valueFrom.configMapKeyRef.key")
	m := r.one("ConfigMap", name)
	f.add(m.kind() == "" || m.namespace() != k.namespace(), "%s: ConfigMap %s does not exist in namespace %s: no broker is created", k, name, k.namespace())
	data, ok := dict(m.m, "data")[key].(string)
	f.add(!ok, "%s: ConfigMap %s has no key %s: no broker is created", k, name, key)
	if err := yaml.UnmarshalStrict([]byte(data), &c); err != nil {
		f.add(true, "%s: %s is no rule file: %v; no broker is created", m, key, err)
	}
	return c, f
}

// beans are names as the exporter sees them, with the metric that each must become.
func beans() map[string]string {
	return map[string]string{
		"kafka.server<type=BrokerTopicMetrics, name=BytesInPerSec><>Count":                             "kafka_server_brokertopicmetrics_bytesin_total",
		"kafka.server<type=BrokerTopicMetrics, name=MessagesInPerSec, topic=user-events><>Count":       `kafka_server_brokertopicmetrics_messagesin_total{topic="user-events"}`,
		"kafka.log<type=Log, name=Size, topic=user-events, partition=3><>Value":                        `kafka_log_size{partition="3",topic="user-events"}`,
		"kafka.server<type=ReplicaManager, name=UnderReplicatedPartitions><>Value":                     "kafka_server_replicamanager_underreplicatedpartitions",
		"kafka.server<type=ReplicaManager, name=IsrShrinksPerSec><>Count":                              "kafka_server_replicamanager_isrshrinks_total",
		"kafka.controller<type=KafkaController, name=ActiveControllerCount><>Value":                    "kafka_controller_kafkacontroller_activecontrollercount",
		"kafka.network<type=RequestMetrics, name=RequestsPerSec, request=Produce, version=11><>Count":  `kafka_network_requests_total{request="Produce",version="11"}`,
		"kafka.network<type=RequestMetrics, name=TotalTimeMs, request=Produce><>99thPercentile":        `kafka_network_request_time_milliseconds{quantile="0.99",request="Produce"}`,
		"kafka.server<type=raft-metrics><>high-watermark":                                              "kafka_server_raft_high_watermark",
		"kafka.server<type=KafkaRequestHandlerPool, name=RequestHandlerAvgIdlePercent><>OneMinuteRate": "kafka_server_requesthandler_idle_ratio",
	}
}

// jmx: rules that parse, compile, and make of real MBeans what the dashboards ask for.
func jmx(s site) (f faults) {
	for _, r := range s.clusters() {
		c, bad := jmxOf(r)
		f = append(f, bad...)
		for bean, want := range beans() {
			got, bad := c.metric(bean)
			f = append(f, bad...)
			f.add(got != want, "%s: %s becomes %q, not %q", r.kafka(), bean, got, want)
		}
		f = append(f, c.types()...)
	}
	return f
}

// types: what ends in _total counts, everything else does not.
func (c jmxConfig) types() (f faults) {
	f.add(!c.LowercaseOutputName, "rules: lowercaseOutputName is not true")
	for _, r := range c.Rules {
		f.add(strings.HasSuffix(r.Name, "_total") != (r.Type == "COUNTER"), "rule %s is a %s", r.Name, r.Type)
	}
	return f
}

// metric is what the first matching rule makes of a bean, as the exporter does it: the
// pattern may match anywhere, groups fill name and labels.
func (c jmxConfig) metric(bean string) (string, faults) {
	for _, r := range c.Rules {
		re, err := regexp.Compile("^.*(?:" + r.Pattern + ").*$")
		if err != nil {
			return "", faults{fmt.Sprintf("rule %s does not compile: %v", r.Name, err)}
		}
		m := re.FindStringSubmatchIndex(bean)
		if m == nil {
			continue
		}
		expand := func(template string) string {
			return string(re.ExpandString(nil, regexp.MustCompile(`\$(\d)`).ReplaceAllString(template, "$${$1}"), bean, m))
		}
		name := regexp.MustCompile(`[^a-zA-Z0-9:_]`).ReplaceAllString(expand(r.Name), "_")
		if c.LowercaseOutputName {
			name = strings.ToLower(name)
		}
		var labels []string
		for _, l := range []string{"partition", "quantile", "request", "topic", "version"} {
			if v, ok := r.Labels[l]; ok {
				labels = append(labels, fmt.Sprintf("%s=%q", l, expand(v)))
			}
		}
		if len(labels) > 0 {
			name += "{" + strings.Join(labels, ",") + "}"
		}
		return name, nil
	}
	return "", nil
}
