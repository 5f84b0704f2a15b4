package k8stest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planted is a mistake that somebody may make, and the check that must see it.
type planted struct {
	file, old, new string
	check          string
	// want is part of what the check says.
	want string
}

const (
	set       = "apps/base/statefulset.yaml"
	kafkaFile = "kafka/base/kafka.yaml"
	poolFile  = "kafka/base/nodepool.yaml"
	usersFile = "kafka/base/users.yaml"
)

func plants() map[string]planted {
	return map[string]planted{
		// What a schema sees.
		"misspelt field":            {set, "podManagementPolicy:", "podManagmentPolicy:", "schemas", "podManagmentPolicy"},
		"misspelt field of Strimzi": {poolFile, "jvmOptions:", "jvmOption:", "schemas", "jvmOption"},
		"misspelt label":            {"kafka/base/namespace.yaml", "labels:", "label:", "schemas", "label"},
		"unknown role":              {poolFile, "- controller", "- controler", "schemas", "KafkaNodePool"},
		"unknown kind":              {"apps/priority/priorityclass.yaml", "kind: PriorityClass", "kind: PriorityClas", "schemas", "could not find schema"},
		"field newer than 1.25":     {"apps/base/poddisruptionbudget.yaml", "maxUnavailable: 1", "maxUnavailable: 1\n  unhealthyPodEvictionPolicy: AlwaysAllow", "schemas", "unhealthyPodEvictionPolicy"},
		"field gone in v1":          {usersFile, "operations: [Write, Describe]", "operation: Write", "schemas", "kafka/overlays/current"},
		"patch that hits nothing":   {"apps/overlays/dev/kustomization.yaml", "env/10/name, value: GOMEMLIMIT", "env/9/name, value: GOMEMLIMIT", "rendering", "apps/overlays/dev does not render"},
		"number where text must be": {"apps/useractivity/kustomization.yaml", `-events, "0"`, "-events, 0", "schemas", "useractivity"},

		// What an operator accepts in silence.
		"listener without authentication": {kafkaFile, "        tls: true\n        # Without it clients are User:ANONYMOUS, authorization denies them everything,\n        # and the Kafka is Ready all the same.\n        authentication:\n          type: scram-sha-512\n", "        tls: true\n", "listeners", "listener tls has no authentication"},
		"users without a user operator":   {kafkaFile, "    userOperator:", "    userOperators:", "operators", "no userOperator"},
		"topics without entityOperator":   {kafkaFile, "  entityOperator:", "  entityOperators:", "operators", "no topicOperator"},
		"operators without resources":     {kafkaFile, "        limits:\n          cpu: 500m\n          memory: 384Mi\n    userOperator:", "    userOperator:", "operators", "topicOperator has no resources"},
		"rules that are no YAML":          {"kafka/base/metrics.yaml", "lowercaseOutputName: true", "lowercaseOutputName: true:\n     - x", "jmx", "is no rule file"},
		"rule that does not compile":      {"kafka/base/metrics.yaml", `topic=(.+), partition=(\d+)><>Value`, `topic=(.+, partition=(\d+)><>Value`, "jmx", "does not compile"},
		"brackets eaten from a rule":      {"kafka/base/metrics.yaml", "kafka.log<type=Log, name=Size, topic=(.+), partition=(\\d+)><>Value", "kafka.logtype=Log, name=Size, topic=(.+), partition=(.+)Value", "jmx", "kafka_log_size"},
		"general rule before its special": {"kafka/base/metrics.yaml", "name=(\\w+)PerSec, topic=(.+)><>Count", "name=(.+)PerSec><>Count", "jmx", "messagesin"},
		"counter called a gauge":          {"kafka/base/metrics.yaml", "type: COUNTER", "type: GAUGE", "jmx", "is a GAUGE"},
		"rules under another key":         {"kafka/base/metrics.yaml", "kafka-metrics-config.yml:", "metrics.yml:", "jmx", "has no key"},
		"rules under another name":        {"kafka/base/metrics.yaml", "name: kafka-metrics\n", "name: metrics\n", "jmx", "does not exist"},
		"resources beside the pool":       {kafkaFile, "    authorization:\n", "    resources: {limits: {memory: 4Gi}}\n    authorization:\n", "versions", "resources is ignored"},
		"storage beside the pool":         {kafkaFile, "    authorization:\n", "    storage: {type: ephemeral}\n    authorization:\n", "versions", "storage is ignored"},
		"metadata version too high":       {kafkaFile, "metadataVersion: 3.8-IV0", "metadataVersion: 3.9-IV0", "versions", "ignored in silence"},
		"unsupported version":             {kafkaFile, "version: 3.8.0", "version: 3.9.0", "versions", "none of the operator's"},
		"no KRaft annotation":             {kafkaFile, "    strimzi.io/kraft: enabled\n", "", "versions", "ZooKeeper"},
		"pool of another cluster":         {poolFile, "strimzi.io/cluster: production-cluster\nspec", "strimzi.io/cluster: production\nspec", "operators", "nobody looks at it"},
		"wrong host name":                 {set, "production-cluster-kafka-bootstrap.kafka.svc", "kafka-bootstrap.kafka.svc", "hosts", "nobody is called kafka-bootstrap"},
		"pod name of a StatefulSet":       {"kafka/dns-check/job.yaml", "production-cluster-dual-role-0.production-cluster-kafka-brokers.kafka.svc.cluster.local", "kafka-0.kafka.production.svc.cluster.local", "hosts", "nobody is called kafka-0.kafka.production"},
		"wrong port":                      {"producer/job.yaml", "local:9092", "local:9094", "hosts", "nobody listens at"},

		// Production.
		"requirement's value":        {kafkaFile, "log.retention.hours: 168", "log.retention.hours: 24", "required values", "log~retention~hours"},
		"two brokers":                {poolFile, "replicas: 3", "replicas: 2", "replication", "production needs 3"},
		"brokers without disks":      {poolFile, "type: persistent-claim\n        size: 100Gi\n        class: standard\n        deleteClaim: false", "type: ephemeral", "replication", "goes with the pod"},
		"disks deleted with it":      {poolFile, "deleteClaim: false", "deleteClaim: true", "replication", "deleteClaim"},
		"one replica of a topic":     {"kafka/base/topics.yaml", "replicas: 3", "replicas: 1", "replication", "production needs 3"},
		"dev forgets a setting":      {"kafka/overlays/dev/kustomization.yaml", "      - {op: replace, path: /spec/kafka/config/transaction.state.log.min.isr, value: 1}\n", "", "replication", "transaction.state.log.min.isr is 2 with 1 brokers"},
		"brokers on one node":        {poolFile, "whenUnsatisfiable: DoNotSchedule", "whenUnsatisfiable: ScheduleAnyway", "replication", "may share a node"},
		"ACL on the cluster":         {usersFile, "type: topic\n          name: user-events\n          patternType: literal\n        operations: [Write, Describe]", "type: cluster\n        operations: [IdempotentWrite]", "users", "on the whole cluster"},
		"ACL on a missing topic":     {usersFile, "name: user-profiles", "name: user-profile", "users", "topic user-profile does not exist"},
		"missing user":               {usersFile, "name: app-producer", "name: producer", "users", "KafkaUser app-producer is missing"},
		"helm's duplicate namespace": {"operator/install.sh", "--values \"$VALUES\"", "--values \"$VALUES\" --set watchNamespaces=\"{kafka}\"", "install", "helm fails"},

		// Applications.
		"missing secret":               {"apps/useractivity/kustomization.yaml", "secretKeyRef/name, value: useractivity", "secretKeyRef/name, value: user-activity", "references", "no KafkaUser has that name"},
		"missing key":                  {set, "key: password", "key: passwd", "references", `has no key "passwd"`},
		"wrong namespace":              {"apps/base/kustomization.yaml", "namespace: kafka", "namespace: default", "references", "it never starts"},
		"password of another user":     {"apps/wordcount/kustomization.yaml", "env/3/value, value: wordcount", "env/3/value, value: useractivity", "references", "not that of user"},
		"TLS without its authority":    {set, "            - name: KAFKA_TLS_CA_FILE\n              value: /etc/kafka-ca/ca.crt\n", "            - name: UNUSED\n              value: x\n", "references", "KAFKA_TLS_CA_FILE is missing"},
		"authority mounted elsewhere":  {set, "mountPath: /etc/kafka-ca", "mountPath: /etc/ca", "references", "nothing is mounted at"},
		"missing priority class":       {"apps/priority/priorityclass.yaml", "name: stream-app", "name: stream-apps", "references", "the pod is refused"},
		"missing service account":      {"apps/base/kustomization.yaml", "  - serviceaccount.yaml\n", "", "references", "no pod is created"},
		"image without tag":            {"apps/useractivity/kustomization.yaml", "millrace/useractivity:0.1.0", "millrace/useractivity:latest", "references", "no tag of its own"},
		"OrderedReady":                 {set, "podManagementPolicy: Parallel", "podManagementPolicy: OrderedReady", "StatefulSets", "not Parallel"},
		"no priority":                  {set, "      priorityClassName: stream-app\n", "", "StatefulSets", "no priority"},
		"hostname as the member":       {set, "fieldPath: metadata.name", "fieldPath: spec.nodeName", "StatefulSets", "the member is not static"},
		"headless service missing":     {"apps/useractivity/kustomization.yaml", "path: /spec/serviceName, value: useractivity", "path: /spec/serviceName, value: activity", "StatefulSets", "the pods have no names"},
		"service hides restoring pods": {"apps/base/services.yaml", "  publishNotReadyAddresses: true\n", "", "StatefulSets", "hides pods that restore"},
		"group of another name":        {"apps/useractivity/kustomization.yaml", "consumer-group, value: useractivity", "consumer-group, value: activity", "StatefulSets", "consumer-group"},
		"two pods on one disk":         {"apps/overlays/local-pv/kustomization.yaml", "value: DoNotSchedule", "value: ScheduleAnyway", "StatefulSets", "fight for one node's disk"},
		"one probe for everything":     {set, "path: /healthz", "path: /readyz", "probes", "must ask /healthz"},
		"probe at a missing port":      {set, "path: /startupz\n              port: http", "path: /startupz\n              port: probe", "probes", "which there is not"},
		"grace >= session timeout":     {set, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 120", "times", "each restart is a rebalance"},
		"stop longer than grace":       {set, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 20", "times", "the last commit"},
		"session over the brokers'":    {kafkaFile, "group.max.session.timeout.ms: 1800000", "group.max.session.timeout.ms: 60000", "times", "over the brokers' maximum"},
		"memory that does not add up":  {set, "value: 1536MiB", "value: 2048MiB", "memory", "less than a fifth"},
		"stores larger than the heap":  {set, "value: 512MiB", "value: 1024MiB", "memory", "too little of the heap"},
		"request below the limit":      {"apps/overlays/dev/kustomization.yaml", "{cpu: 100m, memory: 512Mi}", "{cpu: 100m, memory: 256Mi}", "memory", "may evict it"},
		"CPU limit":                    {set, "memory: 2Gi\n          # Three", "memory: 2Gi\n              cpu: \"1\"\n          # Three", "memory", "throttles heartbeats"},
		"NFS-class claim":              {"apps/overlays/local-pv/kustomization.yaml", "value: local-state", "value: nfs-client", "state", "locks do not hold"},
		"claim for many":               {set, "accessModes: [ReadWriteOnce]", "accessModes: [ReadWriteMany]", "state", "belongs to one pod"},
		"class that binds at once":     {"apps/overlays/local-pv/storageclass.yaml", "WaitForFirstConsumer", "Immediate", "state", "before the scheduler has looked"},
		"missing class":                {"apps/overlays/local-pv/storageclass.yaml", "name: local-state", "name: local-disk", "state", "StorageClass local-state does not exist"},
		"state not on the volume":      {set, "mountPath: /var/lib/millrace", "mountPath: /var/lib/state", "state", "on the image's file system"},
		"ephemeral without request":    {"apps/overlays/ephemeral/kustomization.yaml", "value: 21Gi", "value: 1Gi", "state", "the node evicts it"},
		"ephemeral without copies":     {"apps/overlays/ephemeral/kustomization.yaml", `value: "1"`, `value: "0"`, "state", "nobody has a copy"},
		"rescue of other disks":        {"apps/overlays/local-pv/kustomization.yaml", "millrace.io~1rescue, value: enabled", "millrace.io~1rescue, value: disabled", "state", "rescue is for"},
		"budget of other pods":         {"apps/useractivity/kustomization.yaml", "{kind: PodDisruptionBudget, path: spec/selector/matchLabels}", "{kind: PodDisruptionBudget, path: spec/selector/none}", "budgets", "selects other pods"},
		"everybody's priority":         {"apps/priority/priorityclass.yaml", "globalDefault: false", "globalDefault: true", "priorities", "globalDefault"},
		"applications before brokers":  {"apps/priority/priorityclass.yaml", "value: 900000", "value: 2000000", "priorities", "preempt their own brokers"},
		"runs as root":                 {set, "runAsNonRoot: true", "runAsNonRoot: false", "security", "may run as root"},
		"writable root":                {set, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "security", "can be written"},
		"brokers keep capabilities":    {poolFile, "          drop: [ALL]", "          drop: [NET_RAW]", "security", "keeps capabilities"},
		"namespace enforces nothing":   {"kafka/base/namespace.yaml", "enforce: restricted", "enforce: baseline", "security", "does not enforce"},
		"labels narrow the peers":      {"apps/useractivity/kustomization.yaml", "includeTemplates: true", "includeTemplates: true\n    includeSelectors: true", "networks", "does not reach the brokers"},
		"brokers' port closed":         {"apps/base/networkpolicy.yaml", "        - port: 9093\n          protocol: TCP\n", "", "networks", "does not reach the brokers at 9093"},
		"Prometheus kept out":          {"apps/base/networkpolicy.yaml", "kubernetes.io/metadata.name: monitoring", "kubernetes.io/metadata.name: elsewhere", "networks", "keeps Prometheus out"},
		"more pods than partitions":    {"apps/components/hpa/hpa.yaml", "maxReplicas: 12", "maxReplicas: 24", "scaling", "for 12 partitions"},
		"scales down by itself":        {"apps/components/keda/scaledobject.yaml", "selectPolicy: Disabled", "selectPolicy: Max", "scaling", "scales down by itself"},
		"lag of restoring tasks":       {"apps/components/keda/scaledobject.yaml", "unless on (namespace, pod, task) millrace_restore_remaining_records", "", "scaling", "tasks that restore"},

		// Rescue and monitoring.
		"rescue may delete nodes":   {"rescue/deploy/rbac.yaml", "verbs: [list]\n  - apiGroups: [\"\"]\n    resources: [persistentvolumes]", "verbs: [list, delete]\n  - apiGroups: [\"\"]\n    resources: [persistentvolumes]", "rescue", "may delete in the whole cluster"},
		"rescue may not delete":     {"rescue/deploy/rbac.yaml", "verbs: [get, list, delete]", "verbs: [get, list]", "rescue", "it needs [get list delete]"},
		"alert on a missing metric": {"monitoring/rules/millrace.yaml", "rate(millrace_commits_total", "rate(millrace_commit_total", "rules", "nobody exposes millrace_commit_total"},
		"alert on a missing label":  {"monitoring/rules/millrace.yaml", `{cause="lost"}`, `{reason="lost"}`, "rules", "has no label reason"},
		"alert groups by nothing":   {"monitoring/rules/millrace.yaml", "by (namespace, application, operator, reason)", "by (namespace, application, node, reason)", "rules", "groups by node"},
		"alert that does not parse": {"monitoring/rules/kafka.yaml", "< 0.15", "<< 0.15", "rules", "parse error"},
		"alert without its chapter": {"monitoring/rules/kafka.yaml", "RUNBOOK.md#full-outage", "RUNBOOK.md#outage", "rules", "no chapter"},
		"panel on a missing metric": {"monitoring/dashboards/kafka.json", "kafka_server_replicamanager_leadercount{", "kafka_server_replicamanager_leaders{", "dashboards", "nobody exposes"},
		"monitor of no pod":         {"apps/components/podmonitor/podmonitor.yaml", "matchLabels:\n      app.kubernetes.io/part-of: millrace", "matchLabels:\n      app: millrace", "monitors", "selects no pod"},
		"monitor at a missing port": {"monitoring/podmonitors.yaml", "tcp-prometheus", "metrics", "monitors", "selects no pod with a port metrics"},
	}
}

// TestPlantedFaults: each mistake is seen by its check, by name.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	s := healthy(t)
	ask := map[string]func(site) faults{}
	for _, c := range checks(t) {
		ask[c.name] = c.ask
	}
	require.GreaterOrEqual(t, len(plants()), 25)
	for name, p := range plants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, ok := s.source[p.file]
			require.True(t, ok, p.file)
			require.Contains(t, content, p.old, "there is nothing to plant in %s", p.file)
			bad, found := s.changed(p.file, strings.ReplaceAll(content, p.old, p.new))
			if p.check != "rendering" {
				require.Empty(t, found)
				require.Contains(t, ask, p.check)
				found = ask[p.check](bad)
			}
			require.Contains(t, strings.Join(found, "\n"), p.want)
		})
	}
}

// TestEveryCheckHasAPlantedFault: a check that nothing turns red checks nothing.
func TestEveryCheckHasAPlantedFault(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, p := range plants() {
		covered[p.check] = true
	}
	for _, c := range checks(t) {
		require.True(t, covered[c.name], "no planted fault turns %q red", c.name)
	}
}
