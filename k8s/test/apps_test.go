package k8stest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// sets are the StatefulSets, in each target that has them.
func (s site) sets() []object { return s.all("StatefulSet") }

// container is a set's only one.
func container(o object) any { return at(o.pod(), "spec.containers[0]") }

// envOf is the value of a variable of a set's container.
func envOf(o object, name string) string { return text(env(container(o))[name], "value") }

// in finds the target that an object was rendered by.
func (s site) in(o object) rendered { return s.at(o.from) }

// statefulSets: what answers the four headaches.
func statefulSets(s site) (f faults) {
	f.add(len(s.sets()) == 0, "there is no StatefulSet")
	for _, o := range s.sets() {
		f.add(o.text("spec.podManagementPolicy") != "Parallel", "%s: podManagementPolicy is not Parallel: one stuck pod holds up the others, and an outage ends one pod at a time", o)
		f.add(o.text("spec.updateStrategy.type") != "RollingUpdate", "%s: updates are by hand", o)
		f.add(text(o.pod(), "spec.priorityClassName") == "", "%s: has no priority: it is preempted first", o)
		f.add(o.text("spec.minReadySeconds") == "", "%s: has no minReadySeconds", o)
		f = append(f, spread(o)...)
		f = append(f, identity(s, o)...)
		f = append(f, services(s, o)...)
	}
	return f
}

// spread over nodes and zones; where a node's disk is the state, never two on one.
func spread(o object) (f faults) {
	how := map[string]string{}
	for _, c := range list(o.pod(), "spec.topologySpreadConstraints") {
		how[text(c, "topologyKey")] = text(c, "whenUnsatisfiable")
		f.add(!covers(dict(c, "labelSelector.matchLabels"), dict(o.pod(), "metadata.labels")), "%s: the spread over %s selects other pods", o, text(c, "topologyKey"))
	}
	f.add(how["kubernetes.io/hostname"] == "" || how["topology.kubernetes.io/zone"] == "", "%s: is not spread over nodes and zones", o)
	local := text(o.m, "spec.volumeClaimTemplates[0].spec.storageClassName") == "local-state"
	f.add(local && how["kubernetes.io/hostname"] != "DoNotSchedule", "%s: two pods may fight for one node's disk", o)
	return f
}

// covers is whether a selector selects what has these labels. An empty one selects
// everything, which nobody means here.
func covers(selector, labels map[string]any) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

// identity: the pod's name is the static member's, its group the application's, its
// user the one with the ACLs.
func identity(s site, o object) (f faults) {
	pod := text(env(container(o))["POD_NAME"], "valueFrom.fieldRef.fieldPath")
	f.add(pod != "metadata.name", "%s: POD_NAME is not the downward API's metadata.name: the member is not static, or has a wrong name", o)
	f.add(at(o.pod(), "spec.hostNetwork") == true, "%s: hostNetwork", o)
	group := value(o.annotations(), "millrace.io/consumer-group")
	user := envOf(o, "KAFKA_USERNAME")
	f.add(group != o.name(), "%s: consumer-group is %q; the application's id is %q", o, group, o.name())
	f.add(user != group, "%s: is the user %q, whose ACLs are not those of group %q", o, user, group)
	granted := false
	for _, acl := range s.at("kafka/base").one("KafkaUser", user).list("spec.authorization.acls") {
		granted = granted || text(acl, "resource.type") == "group" && text(acl, "resource.name") == group
	}
	f.add(!granted, "%s: user %q has no ACL on group %q", o, user, group)
	f.add(envOf(o, "KAFKA_SASL_MECHANISM") != "SCRAM-SHA-512", "%s: the listeners want SCRAM-SHA-512", o)
	return f
}

// services: the headless one gives names also to pods that restore, the other one
// leads only to pods that are ready.
func services(s site, o object) (f faults) {
	r := s.in(o)
	head := r.one("Service", o.text("spec.serviceName"))
	f.add(head.kind() == "", "%s: Service %q does not exist: the pods have no names", o, o.text("spec.serviceName"))
	f.add(head.text("spec.clusterIP") != "None", "%s: Service %s is not headless", o, head.name())
	f.add(head.at("spec.publishNotReadyAddresses") != true, "%s: Service %s hides pods that restore", o, head.name())
	ready := r.one("Service", o.name()+"-ready")
	f.add(ready.kind() == "" || ready.at("spec.publishNotReadyAddresses") == true, "%s: no Service leads to ready pods only", o)
	for _, svc := range []object{head, ready} {
		f.add(!covers(dict(svc.m, "spec.selector"), dict(o.pod(), "metadata.labels")), "%s: %s selects other pods", o, svc)
		for _, p := range svc.list("spec.ports") {
			f.add(!hasPort(o, text(p, "targetPort")), "%s: %s leads to port %s, which there is not", o, svc, text(p, "targetPort"))
		}
	}
	return f
}

// hasPort is whether a container of the pods has a port of that name.
func hasPort(o object, name string) bool {
	for _, c := range list(o.pod(), "spec.containers") {
		for _, p := range list(c, "ports") {
			if text(p, "name") == name || text(p, "containerPort") == name {
				return true
			}
		}
	}
	return false
}

// probes ask three different questions, and nobody is killed for a long restore.
func probes(s site) (f faults) {
	want := map[string]string{"startupProbe": "/startupz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
	for _, o := range s.sets() {
		for probe, path := range want {
			p := at(container(o), probe)
			f.add(text(p, "httpGet.path") != path, "%s: %s asks %q; it must ask %s", o, probe, text(p, "httpGet.path"), path)
			f.add(!hasPort(o, text(p, "httpGet.port")), "%s: %s asks at port %q, which there is not", o, probe, text(p, "httpGet.port"))
		}
		start := at(container(o), "startupProbe")
		f.add(number(start, "failureThreshold")*number(start, "periodSeconds") < 120, "%s: the start may take only %d s", o, number(start, "failureThreshold")*number(start, "periodSeconds"))
		live := at(container(o), "livenessProbe")
		f.add(number(live, "failureThreshold")*number(live, "periodSeconds") < 30, "%s: is killed for a pause of %d s", o, number(live, "failureThreshold")*number(live, "periodSeconds"))
		_, port, _ := strings.Cut(envOf(o, "MILLRACE_HTTP"), ":")
		f.add(port == "" || !hasPort(o, port), "%s: serves at %q and declares other ports", o, envOf(o, "MILLRACE_HTTP"))
	}
	return f
}

// times: stop < grace < session <= what brokers allow.
func times(s site) (f faults) {
	limit, _ := strconv.Atoi(fmt.Sprint(dict(s.at("kafka/base").kafka().m, "spec.kafka.config")["group.max.session.timeout.ms"]))
	most := time.Duration(limit) * time.Millisecond
	f.add(most <= 0, "kafka/base: group.max.session.timeout.ms is not set")
	for _, o := range s.sets() {
		stop, err := time.ParseDuration(envOf(o, "MILLRACE_STOP_TIMEOUT"))
		f.add(err != nil, "%s: MILLRACE_STOP_TIMEOUT: %v", o, err)
		session, err := time.ParseDuration(envOf(o, "MILLRACE_SESSION_TIMEOUT"))
		f.add(err != nil, "%s: MILLRACE_SESSION_TIMEOUT: %v", o, err)
		grace := time.Duration(number(o.pod(), "spec.terminationGracePeriodSeconds")) * time.Second
		f.add(stop+10*time.Second > grace, "%s: killed after %s, while the last commit may take %s and closing takes time", o, grace, stop)
		f.add(grace >= session, "%s: grace period %s is not below the session timeout %s: each restart is a rebalance", o, grace, session)
		f.add(session > most, "%s: session timeout %s is over the brokers' maximum %s", o, session, most)
	}
	return f
}

// memory: the limit is request, Go's heap has headroom below it, and what the library
// may hold fits into the heap.
func memory(s site) (f faults) {
	for _, o := range s.sets() {
		limit := quantity(text(container(o), "resources.limits.memory"))
		request := quantity(text(container(o), "resources.requests.memory"))
		heap := size(envOf(o, "GOMEMLIMIT"))
		stores, unflushed, buffered := size(envOf(o, "MILLRACE_MEMORY_LIMIT")), size(envOf(o, "MILLRACE_MAX_UNFLUSHED")), size(envOf(o, "MILLRACE_MAX_BUFFERED"))
		f.add(limit == 0 || limit != request, "%s: memory request %d is not the limit %d: the node may evict it", o, request, limit)
		f.add(heap == 0 || heap > limit*8/10, "%s: GOMEMLIMIT %d leaves less than a fifth of the limit %d to what the heap does not count", o, heap, limit)
		f.add(stores == 0 || unflushed == 0 || buffered == 0, "%s: the library's budgets are not all set", o)
		f.add(stores+2*unflushed+buffered > heap*6/10, "%s: stores %d, writes %d (twice, while they are flushed) and buffers %d leave too little of the heap %d", o, stores, unflushed, buffered, heap)
		f.add(text(container(o), "resources.limits.cpu") != "", "%s: a CPU limit throttles heartbeats", o)
		f.add(text(container(o), "resources.requests.cpu") == "", "%s: no CPU request", o)
	}
	return f
}

func quantity(text string) int64 {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0
	}
	return q.Value()
}

// size reads GOMEMLIMIT's notation, which is not that of quantities.
func size(text string) int64 {
	if !strings.HasSuffix(text, "iB") {
		return 0
	}
	return quantity(strings.TrimSuffix(text, "B"))
}

// state: on a disk that is the pod's own, for as long as the overlay says.
func state(s site) (f faults) {
	for _, o := range s.sets() {
		mount := ""
		for _, m := range list(container(o), "volumeMounts") {
			if text(m, "mountPath") == envOf(o, "MILLRACE_STATE_DIR") {
				mount = text(m, "name")
			}
		}
		f.add(mount == "", "%s: nothing is mounted at MILLRACE_STATE_DIR %q: the state is on the image's file system", o, envOf(o, "MILLRACE_STATE_DIR"))
		found := false
		for _, c := range o.list("spec.volumeClaimTemplates") {
			found = found || text(c, "metadata.name") == mount
			f = append(f, claim(s, o, c)...)
		}
		for _, v := range list(o.pod(), "spec.volumes") {
			if text(v, "name") == mount {
				found = true
				limit, request := quantity(text(v, "emptyDir.sizeLimit")), quantity(text(container(o), "resources.requests.ephemeral-storage"))
				f.add(limit == 0 || request < limit, "%s: requests %d of ephemeral storage for state of up to %d: the node evicts it", o, request, limit)
			}
		}
		f.add(!found, "%s: volume %q does not exist", o, mount)
		f.add(len(o.list("spec.volumeClaimTemplates")) == 0 && number(env(container(o))["MILLRACE_STANDBY_REPLICAS"], "value") < 1, "%s: the state goes with its pod, and nobody has a copy", o)
		opted := value(o.annotations(), "millrace.io/rescue") == "enabled"
		local := o.text("spec.volumeClaimTemplates[0].spec.storageClassName") == "local-state"
		f.add(opted != local, "%s: rescue is for state on local disks, and only for it", o)
	}
	return f
}

// network names what is never a place for state.
var network = []string{"nfs", "efs", "smb", "cifs", "azurefile", "cephfs", "gluster"}

func claim(s site, o object, c any) (f faults) {
	class := text(c, "spec.storageClassName")
	for _, n := range network {
		f.add(strings.Contains(strings.ToLower(class), n), "%s: class %q is a network file system: its locks do not hold", o, class)
	}
	for _, mode := range list(c, "spec.accessModes") {
		f.add(mode != "ReadWriteOnce", "%s: access mode %v: state belongs to one pod", o, mode)
	}
	f.add(value(dict(c, "metadata.labels"), "millrace.io/state") != "local", "%s: its claims lack the label that deny-nfs looks for", o)
	if class == "" {
		return f // the cluster's default
	}
	sc := s.in(o).one("StorageClass", class)
	f.add(sc.kind() == "", "%s: StorageClass %s does not exist", o, class)
	f.add(sc.text("volumeBindingMode") != "WaitForFirstConsumer", "%s: volumes are bound before the scheduler has looked: pods pend where the disk's node is full", sc)
	f.add(sc.text("provisioner") == "kubernetes.io/no-provisioner" && s.in(o).one("ConfigMap", "local-state-provisioner").kind() == "", "%s: nobody makes its volumes", sc)
	return f
}

// budgets: drains go one pod at a time.
func budgets(s site) (f faults) {
	for _, o := range s.sets() {
		p := s.in(o).one("PodDisruptionBudget", o.name())
		f.add(p.kind() == "", "%s: has no PodDisruptionBudget: a drain takes all its pods", o)
		f.add(p.number("spec.maxUnavailable") != 1, "%s: maxUnavailable is not 1", p)
		f.add(!covers(dict(p.m, "spec.selector.matchLabels"), dict(o.pod(), "metadata.labels")), "%s: selects other pods than those of %s", p, o.name())
	}
	return f
}

// priorities: never everybody's, brokers first.
func priorities(s site) (f faults) {
	brokers, apps := -1, -1
	for _, o := range s.all("PriorityClass") {
		f.add(o.at("globalDefault") == true, "%s: globalDefault: everybody's priority is high, so nobody's is", o)
		switch o.name() {
		case "kafka-broker":
			brokers = o.number("value")
		case "stream-app":
			apps = o.number("value")
		}
	}
	f.add(apps <= 0 || brokers < apps, "priorities: brokers have %d, applications %d: they preempt their own brokers", brokers, apps)
	for _, r := range s.clusters() {
		got := r.pool().text("spec.template.pod.priorityClassName")
		f.add(got != "kafka-broker", "%s: priorityClassName is %q", r.pool(), got)
	}
	return f
}

// scaling: no more pods than partitions, slowly up, never down by itself, and by a lag
// that leaves restoring tasks out.
func scaling(s site) (f faults) {
	most := s.at("kafka/base").one("KafkaTopic", "user-events").number("spec.partitions")
	for _, o := range s.all("HorizontalPodAutoscaler", "ScaledObject") {
		limit, behavior := o.number("spec.maxReplicas"), at(o.m, "spec.behavior")
		if o.kind() == "ScaledObject" {
			limit, behavior = o.number("spec.maxReplicaCount"), at(o.m, "spec.advanced.horizontalPodAutoscalerConfig.behavior")
			query := text(o.m, "spec.triggers[0].metadata.query")
			f.add(!strings.Contains(query, "unless on (namespace, pod, task) millrace_restore_remaining_records"), "%s: the lag counts tasks that restore", o)
			f.add(!strings.Contains(query, fmt.Sprintf("application=%q", o.text("spec.scaleTargetRef.name"))), "%s: the query is not about what it scales", o)
		} else {
			f.add(text(o.m, "spec.metrics[0].external.metric.name") != "millrace_task_lag_running_records", "%s: the lag counts tasks that restore", o)
		}
		f.add(limit > most || limit < 1, "%s: up to %d pods for %d partitions", o, limit, most)
		f.add(text(behavior, "scaleDown.selectPolicy") != "Disabled", "%s: scales down by itself", o)
		f.add(number(behavior, "scaleUp.policies[0].value") != 1, "%s: scales up by more than one pod at a time", o)
		target := s.in(o).one(o.text("spec.scaleTargetRef.kind"), o.text("spec.scaleTargetRef.name"))
		f.add(target.kind() == "" || target.namespace() != o.namespace(), "%s: there is nothing to scale", o)
	}
	return f
}
