package k8stest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// clusters are the targets that are a Kafka.
func (s site) clusters() (out []rendered) {
	for _, r := range s.targets {
		if strings.HasPrefix(r.path, "kafka/") && len(r.kind("Kafka")) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// kafka is a cluster's CR, pool its only node pool.
func (r rendered) kafka() object { return r.one("Kafka", "production-cluster") }
func (r rendered) pool() object  { return r.one("KafkaNodePool", "dual-role") }

// required is the requirement, value by value.
func required(s site) (f faults) {
	base := s.at("kafka/base")
	for path, want := range map[string]string{
		"metadata.namespace":                                         "kafka",
		"metadata.annotations.strimzi~io/node-pools":                 "enabled",
		"metadata.annotations.strimzi~io/kraft":                      "enabled",
		"spec.kafka.version":                                         "3.8.0",
		"spec.kafka.metadataVersion":                                 "3.8-IV0",
		"spec.kafka.listeners[0].name":                               "plain",
		"spec.kafka.listeners[0].port":                               "9092",
		"spec.kafka.listeners[0].type":                               "internal",
		"spec.kafka.listeners[0].tls":                                "false",
		"spec.kafka.listeners[0].authentication.type":                "scram-sha-512",
		"spec.kafka.listeners[1].name":                               "tls",
		"spec.kafka.listeners[1].port":                               "9093",
		"spec.kafka.listeners[1].type":                               "internal",
		"spec.kafka.listeners[1].tls":                                "true",
		"spec.kafka.authorization.type":                              "simple",
		"spec.kafka.config.num~partitions":                           "3",
		"spec.kafka.config.offsets~topic~replication~factor":         "3",
		"spec.kafka.config.transaction~state~log~replication~factor": "3",
		"spec.kafka.config.transaction~state~log~min~isr":            "2",
		"spec.kafka.config.default~replication~factor":               "3",
		"spec.kafka.config.min~insync~replicas":                      "2",
		"spec.kafka.config.log~retention~hours":                      "168",
		"spec.kafka.config.log~segment~bytes":                        "1073741824",
		"spec.kafka.metricsConfig.type":                              "jmxPrometheusExporter",
		"spec.kafka.metricsConfig.valueFrom.configMapKeyRef.name":    "kafka-metrics",
		"spec.kafka.metricsConfig.valueFrom.configMapKeyRef.key":     "kafka-metrics-config.yml",
	} {
		got := dotted(base.kafka().m, path)
		f.add(got != want, "kafka/base: Kafka %s is %q; the requirement says %q", path, got, want)
	}
	for path, want := range map[string]string{
		"metadata.namespace": "kafka", "metadata.labels.strimzi~io/cluster": "production-cluster",
		"spec.replicas": "3", "spec.roles[0]": "controller", "spec.roles[1]": "broker",
		"spec.storage.type": "jbod", "spec.storage.volumes[0].type": "persistent-claim", "spec.storage.volumes[0].size": "100Gi",
		"spec.storage.volumes[0].class": "standard", "spec.storage.volumes[0].deleteClaim": "false",
		"spec.resources.requests.cpu": "500m", "spec.resources.requests.memory": "2Gi",
		"spec.resources.limits.cpu": "2", "spec.resources.limits.memory": "4Gi",
		"spec.jvmOptions.-Xms": "1024m", "spec.jvmOptions.-Xmx": "2048m",
	} {
		got := dotted(base.pool().m, path)
		f.add(got != want, "kafka/base: KafkaNodePool %s is %q; the requirement says %q", path, got, want)
	}
	now := s.at("kafka/overlays/current")
	f.add(now.kafka().text("apiVersion") != "kafka.strimzi.io/v1", "kafka/overlays/current: Kafka is not kafka.strimzi.io/v1")
	f.add(now.kafka().text("spec.kafka.version") != "4.3.1", "kafka/overlays/current: the version is not 4.3.1")
	return f
}

// dotted is text for paths with keys that hold dots, written as '~'.
func dotted(v any, path string) string {
	for _, step := range strings.Split(path, ".") {
		if strings.Contains(step, "~") {
			m, _ := v.(map[string]any)
			v = m[strings.ReplaceAll(step, "~", ".")]
			continue
		}
		v = at(v, step)
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// listeners: one without authentication is Ready, and denies everything.
func listeners(s site) (f faults) {
	for _, r := range s.clusters() {
		k := r.kafka()
		for _, l := range k.list("spec.kafka.listeners") {
			f.add(k.at("spec.kafka.authorization") != nil && text(l, "authentication.type") == "",
				"%s: listener %s has no authentication: with authorization on, its clients are User:ANONYMOUS and may do nothing", k, text(l, "name"))
		}
	}
	return f
}

// operators: users and topics that nobody looks at are accepted in silence.
func operators(s site) (f faults) {
	for _, r := range s.clusters() {
		k := r.kafka()
		f.add(len(r.kind("KafkaTopic")) > 0 && k.at("spec.entityOperator.topicOperator") == nil, "%s: there are KafkaTopics and no topicOperator", k)
		f.add(len(r.kind("KafkaUser")) > 0 && k.at("spec.entityOperator.userOperator") == nil, "%s: there are KafkaUsers and no userOperator", k)
		for _, o := range []string{"topicOperator", "userOperator"} {
			f.add(k.text("spec.entityOperator."+o+".resources.limits.memory") == "", "%s: %s has no resources: the operator sets none", k, o)
		}
		for _, o := range r.kind("KafkaTopic", "KafkaUser", "KafkaNodePool") {
			f.add(value(o.labels(), "strimzi.io/cluster") != k.name(), "%s: label strimzi.io/cluster is not %s: nobody looks at it", o, k.name())
			f.add(o.namespace() != k.namespace(), "%s: is in namespace %q; the operators watch %q", o, o.namespace(), k.namespace())
		}
	}
	return f
}

// highest is the newest metadata version that a Kafka supports; an operator keeps a
// higher one back without any condition.
func highest() map[string]string { return map[string]string{"3.8.0": "3.8-IV0", "4.3.1": "4.3-IV0"} }

// versions: an unsupported one stops everything, an ignored field stops nothing.
func versions(s site) (f faults) {
	for _, r := range s.clusters() {
		k, pool := r.kafka(), r.pool()
		f.add(pool.kind() == "", "%s: has no node pool: the Kafka is NotReady", k)
		supported := map[string][]string{"kafka.strimzi.io/v1beta2": {"3.7.0", "3.7.1", "3.8.0"}, "kafka.strimzi.io/v1": {"4.2.1", "4.3.0", "4.3.1"}}[k.text("apiVersion")]
		version := k.text("spec.kafka.version")
		f.add(!contains(supported, version), "%s: version %s is none of the operator's: %v", k, version, supported)
		f.add(k.text("spec.kafka.metadataVersion") != highest()[version],
			"%s: metadataVersion %s is not %s, the highest of %s: a higher one is ignored in silence, a lower one is an upgrade not ended", k, k.text("spec.kafka.metadataVersion"), highest()[version], version)
		for _, ignored := range []string{"replicas", "storage", "resources", "jvmOptions"} {
			f.add(k.at("spec.kafka."+ignored) != nil, "%s: %s is ignored beside a node pool; it belongs there", k, ignored)
		}
		old := k.text("apiVersion") == "kafka.strimzi.io/v1beta2"
		f.add(old && value(k.annotations(), "strimzi.io/kraft") != "enabled", "%s: without the annotation strimzi.io/kraft 0.44 wants ZooKeeper", k)
		f.add(old && value(k.annotations(), "strimzi.io/node-pools") != "enabled", "%s: without the annotation strimzi.io/node-pools 0.44 ignores the pool", k)
		f.add(k.name() != value(pool.labels(), "strimzi.io/cluster"), "%s: the pool is another cluster's", k)
	}
	return f
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

// replication: more copies than brokers is a hard error, fewer than three is no
// production.
func replication(s site) (f faults) {
	for _, r := range s.clusters() {
		brokers := r.pool().number("spec.replicas")
		config := dict(r.kafka().m, "spec.kafka.config")
		setting := func(key string) int { n, _ := strconv.Atoi(fmt.Sprint(config[key])); return n }
		for _, key := range []string{"default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr", "min.insync.replicas"} {
			f.add(setting(key) < 1 || setting(key) > brokers, "%s: %s is %d with %d brokers: the operator refuses that", r.kafka(), key, setting(key), brokers)
		}
		for _, topic := range r.kind("KafkaTopic") {
			replicas := topic.number("spec.replicas")
			isr, _ := strconv.Atoi(fmt.Sprint(dict(topic.m, "spec.config")["min.insync.replicas"]))
			f.add(replicas < 1 || replicas > brokers, "%s: %d replicas with %d brokers", topic, replicas, brokers)
			f.add(isr < 1 || brokers > 1 && isr >= replicas, "%s: min.insync.replicas %d of %d replicas: one broker less, and nobody can write", topic, isr, replicas)
			f.add(topic.number("spec.partitions") < setting("num.partitions"), "%s: fewer partitions than the default", topic)
		}
		if r.path != "kafka/overlays/dev" {
			f = append(f, production(r)...)
		}
	}
	return f
}

// production is the checklist: three brokers, three copies of which two acknowledge,
// volumes that stay.
func production(r rendered) (f faults) {
	pool := r.pool()
	f.add(pool.number("spec.replicas") < 3, "%s: %d brokers; production needs 3", pool, pool.number("spec.replicas"))
	for _, topic := range r.kind("KafkaTopic") {
		f.add(topic.number("spec.replicas") < 3, "%s: %d replicas; production needs 3", topic, topic.number("spec.replicas"))
	}
	f.add(pool.text("spec.storage.type") != "jbod", "%s: storage is not jbod: it can never become it", pool)
	for _, v := range pool.list("spec.storage.volumes") {
		f.add(text(v, "type") != "persistent-claim", "%s: storage is %s: it goes with the pod", pool, text(v, "type"))
		f.add(text(v, "deleteClaim") != "false", "%s: deleteClaim: the data go with the Kafka", pool)
	}
	keys := ""
	for _, c := range pool.list("spec.template.pod.topologySpreadConstraints") {
		keys += text(c, "topologyKey") + "=" + text(c, "whenUnsatisfiable") + " "
		selector := dict(c, "labelSelector.matchLabels")
		f.add(value(selector, "strimzi.io/cluster") != "production-cluster" || value(selector, "strimzi.io/pool-name") != pool.name(), "%s: the spread selects other pods", pool)
	}
	f.add(!strings.Contains(keys, "kubernetes.io/hostname=DoNotSchedule"), "%s: two brokers may share a node", pool)
	f.add(!strings.Contains(keys, "topology.kubernetes.io/zone="), "%s: brokers are not spread over zones", pool)
	return f
}

// users: each program its own, with what it needs and nothing on the cluster.
func users(s site) (f faults) {
	for _, r := range s.clusters() {
		for _, u := range r.kind("KafkaUser") {
			f.add(u.text("spec.authentication.type") != "scram-sha-512", "%s: authentication is not scram-sha-512, which the listeners want", u)
			f.add(u.text("spec.authorization.type") != "simple", "%s: has no ACLs", u)
			for _, acl := range u.list("spec.authorization.acls") {
				f = append(f, leastOf(r, u, acl)...)
			}
		}
		for _, want := range []string{"app-producer", "useractivity", "wordcount", "millrace-rescue"} {
			f.add(r.one("KafkaUser", want).kind() == "", "%s: KafkaUser %s is missing", r.name(), want)
		}
	}
	return f
}

func leastOf(r rendered, u object, acl any) (f faults) {
	kind, name, pattern := text(acl, "resource.type"), text(acl, "resource.name"), text(acl, "resource.patternType")
	f.add(kind == "cluster", "%s: an ACL on the whole cluster", u)
	f.add(at(acl, "operation") != nil, "%s: operation is deprecated and gone in v1; use operations", u)
	f.add(strings.Contains(fmt.Sprint(list(acl, "operations")), "All"), "%s: All on %s %s: name what it needs", u, kind, name)
	f.add(pattern == "prefix" && !strings.HasPrefix(name, u.name()), "%s: prefix %q reaches other programs", u, name)
	f.add(kind == "topic" && pattern == "literal" && r.one("KafkaTopic", name).kind() == "", "%s: topic %s does not exist", u, name)
	f.add(kind == "group" && r.one("KafkaUser", name).kind() == "", "%s: group %s is no application's", u, name)
	return f
}

// hostName matches what looks like a name in this cluster.
var hostName = regexp.MustCompile(`[a-z0-9-]+(?:\.[a-z0-9-]+)*\.svc(?:\.cluster\.local)?(?::\d+)?`)

// hosts: a name that nobody has is a client that never starts.
func hosts(s site) (f faults) {
	known := map[string]bool{"production-cluster-kafka-bootstrap.kafka": true, "prometheus-operated.monitoring": true}
	for i := range s.at("kafka/base").pool().number("spec.replicas") {
		known[fmt.Sprintf("production-cluster-dual-role-%d.production-cluster-kafka-brokers.kafka", i)] = true
	}
	ports := map[string]bool{"": true, "9090": true}
	for _, l := range s.at("kafka/base").kafka().list("spec.kafka.listeners") {
		ports[text(l, "port")] = true
	}
	for _, o := range s.all("StatefulSet", "Deployment", "Job", "ScaledObject", "ConfigMap") {
		for _, name := range hostName.FindAllString(fmt.Sprint(o.m), -1) {
			host, port, _ := strings.Cut(name, ":")
			host = strings.TrimSuffix(strings.TrimSuffix(host, ".cluster.local"), ".svc")
			f.add(!known[host], "%s: nobody is called %s", o, name)
			f.add(!ports[port], "%s: nobody listens at %s", o, name)
		}
	}
	return f
}
