package k8stest

import (
	"fmt"
	"strings"
)

// references: what pods need must be there, in their own namespace, under that key.
func references(s site) (f faults) {
	classes, namespaces := map[string]bool{"system-node-critical": true}, map[string]bool{}
	for _, o := range s.all("PriorityClass") {
		classes[o.name()] = true
	}
	for _, o := range s.all("Namespace") {
		namespaces[o.name()] = true
	}
	for _, o := range s.pods() {
		f.add(!namespaces[o.namespace()], "%s: namespace %q does not exist", o, o.namespace())
		spec := dict(o.pod(), "spec")
		class := text(spec, "priorityClassName")
		f.add(class != "" && !classes[class], "%s: PriorityClass %q does not exist: the pod is refused", o, class)
		account := text(spec, "serviceAccountName")
		f.add(account != "" && !inNamespace(s.in(o), "ServiceAccount", account, o.namespace()), "%s: ServiceAccount %q does not exist: no pod is created", o, account)
		for _, v := range list(spec, "volumes") {
			f = append(f, volume(s, o, v)...)
		}
		for _, c := range list(spec, "containers") {
			f = append(f, environment(s, o, c)...)
			f = append(f, mounts(o, c)...)
			f.add(!strings.Contains(text(c, "image"), ":") || strings.HasSuffix(text(c, "image"), ":latest"), "%s: image %q has no tag of its own", o, text(c, "image"))
		}
		f.add(!covers(dict(o.m, "spec.selector.matchLabels"), dict(o.pod(), "metadata.labels")) && o.kind() != "Job", "%s: its selector does not select its pods", o)
	}
	for _, o := range s.all("RoleBinding", "ClusterRoleBinding") {
		f.add(s.in(o).one(o.text("roleRef.kind"), o.text("roleRef.name")).kind() == "", "%s: binds no role that there is", o)
		for _, sub := range o.list("subjects") {
			f.add(!inNamespace(s.in(o), text(sub, "kind"), text(sub, "name"), text(sub, "namespace")), "%s: binds nobody", o)
		}
	}
	return f
}

func inNamespace(r rendered, kind, name, namespace string) bool {
	for _, o := range r.kind(kind) {
		if o.name() == name && o.namespace() == namespace {
			return true
		}
	}
	return false
}

// secretKey says why a key of a Secret will not be there; empty if it will. Secrets are
// made by Strimzi in the Kafka's own namespace: of each user, and of the cluster's CA.
func secretKey(s site, namespace, name, key string) string {
	base := s.at("kafka/base")
	k := base.kafka()
	keys := []string{"password", "sasl.jaas.config"}
	switch user := base.one("KafkaUser", name); {
	case name == k.name()+"-cluster-ca-cert":
		keys = []string{"ca.crt", "ca.p12", "ca.password"}
	case user.kind() == "":
		return fmt.Sprintf("Secret %q is nobody's: no KafkaUser has that name", name)
	}
	switch {
	case namespace != k.namespace():
		return fmt.Sprintf("Secret %q is in namespace %s, the pod in %s: it never starts", name, k.namespace(), namespace)
	case !contains(keys, key):
		return fmt.Sprintf("Secret %q has no key %q", name, key)
	}
	return ""
}

func volume(s site, o object, v any) (f faults) {
	if name := text(v, "secret.secretName"); name != "" {
		f.add(len(list(v, "secret.items")) == 0, "%s: volume %s mounts every key of %s", o, text(v, "name"), name)
		for _, item := range list(v, "secret.items") {
			why := secretKey(s, o.namespace(), name, text(item, "key"))
			f.add(why != "", "%s: %s", o, why)
		}
	}
	if name := text(v, "configMap.name"); name != "" {
		f.add(!inNamespace(s.in(o), "ConfigMap", name, o.namespace()), "%s: ConfigMap %q does not exist", o, name)
	}
	f.add(at(v, "nfs") != nil, "%s: volume %s is NFS", o, text(v, "name"))
	return f
}

func environment(s site, o object, c any) (f faults) {
	for name, e := range env(c) {
		if ref := at(e, "valueFrom.secretKeyRef"); ref != nil {
			why := secretKey(s, o.namespace(), text(ref, "name"), text(ref, "key"))
			f.add(why != "", "%s: %s: %s", o, name, why)
			f.add(envText(c, "KAFKA_USERNAME") != "" && name == "KAFKA_PASSWORD" && text(ref, "name") != envText(c, "KAFKA_USERNAME"), "%s: the password is not that of user %s", o, envText(c, "KAFKA_USERNAME"))
		}
		f.add(strings.Contains(name, "PASSWORD") && at(e, "value") != nil, "%s: %s is in the manifest", o, name)
	}
	servers, ca := envText(c, "KAFKA_BOOTSTRAP_SERVERS"), envText(c, "KAFKA_TLS_CA_FILE")
	f.add(strings.HasSuffix(servers, ":9093") && ca == "", "%s: port 9093 is TLS by the cluster's own authority: KAFKA_TLS_CA_FILE is missing", o)
	f.add(strings.HasSuffix(servers, ":9092") && ca != "", "%s: port 9092 is not TLS", o)
	return f
}

func envText(c any, name string) string { return text(env(c)[name], "value") }

// mounts: every mount has its volume, and the authority's file is where the variable
// says.
func mounts(o object, c any) (f faults) {
	volumes, dirs := map[string]bool{}, []string{}
	for _, v := range append(list(o.pod(), "spec.volumes"), o.list("spec.volumeClaimTemplates")...) {
		volumes[text(v, "name")+text(v, "metadata.name")] = true
	}
	for _, m := range list(c, "volumeMounts") {
		f.add(!volumes[text(m, "name")], "%s: volume %q does not exist", o, text(m, "name"))
		dirs = append(dirs, text(m, "mountPath")+"/ca.crt")
	}
	if ca := envText(c, "KAFKA_TLS_CA_FILE"); ca != "" {
		f.add(!contains(dirs, ca), "%s: nothing is mounted at %s", o, ca)
	}
	return f
}

// security: what Pod Security "restricted" asks, in each namespace that enforces it,
// and a root file system that nobody writes to.
func security(s site) (f faults) {
	enforced := map[string]string{}
	for _, o := range s.all("Namespace") {
		enforced[o.name()] = value(o.labels(), "pod-security.kubernetes.io/enforce")
	}
	f.add(enforced["kafka"] != "restricted", "namespace kafka does not enforce restricted")
	for _, o := range s.pods() {
		if enforced[o.namespace()] != "restricted" {
			continue
		}
		f = append(f, restricted(o.String(), at(o.pod(), "spec.securityContext"), list(o.pod(), "spec.containers"))...)
		token := at(o.pod(), "spec.automountServiceAccountToken") == false
		f.add(!token && o.name() != "millrace-rescue", "%s: has a token of the API server", o)
		for _, v := range list(o.pod(), "spec.volumes") {
			f.add(at(v, "hostPath") != nil, "%s: hostPath", o)
		}
		for _, c := range list(o.pod(), "spec.containers") {
			f.add(at(c, "securityContext.readOnlyRootFilesystem") != true, "%s: the root file system can be written", o)
		}
	}
	for _, r := range s.clusters() {
		k, pool := r.kafka(), r.pool()
		f = append(f, restricted(pool.String(), pool.at("spec.template.pod.securityContext"), []any{pool.at("spec.template.kafkaContainer"), pool.at("spec.template.initContainer")})...)
		eo := k.at("spec.entityOperator.template")
		f = append(f, restricted(k.String()+" entityOperator", at(eo, "pod.securityContext"), []any{at(eo, "topicOperatorContainer"), at(eo, "userOperatorContainer")})...)
	}
	return f
}

func restricted(who string, pod any, containers []any) (f faults) {
	f.add(at(pod, "runAsNonRoot") != true, "%s: may run as root", who)
	f.add(text(pod, "seccompProfile.type") != "RuntimeDefault", "%s: has no seccomp profile", who)
	for _, c := range containers {
		f.add(at(c, "securityContext.allowPrivilegeEscalation") != false, "%s: may escalate its privileges", who)
		f.add(fmt.Sprint(at(c, "securityContext.capabilities.drop")) != "[ALL]", "%s: keeps capabilities", who)
		f.add(at(c, "securityContext.privileged") == true, "%s: is privileged", who)
	}
	return f
}

// networks: each program reaches DNS and the brokers, and is reached by Prometheus.
func networks(s site) (f faults) {
	for _, o := range s.all("StatefulSet", "Deployment") {
		p := s.in(o).one("NetworkPolicy", o.name())
		f.add(p.kind() == "", "%s: has no NetworkPolicy", o)
		f.add(!covers(dict(p.m, "spec.podSelector.matchLabels"), dict(o.pod(), "metadata.labels")), "%s: selects other pods", p)
		brokers := map[string]any{"strimzi.io/name": "production-cluster-kafka", "strimzi.io/cluster": "production-cluster", "strimzi.io/kind": "Kafka"}
		dns := map[string]any{"k8s-app": "kube-dns"}
		f.add(!reaches(p, brokers, "9093"), "%s: does not reach the brokers at 9093", p)
		f.add(!reaches(p, dns, "53"), "%s: does not reach DNS", p)
		for _, in := range p.list("spec.ingress") {
			for _, port := range list(in, "ports") {
				f.add(!hasPort(o, text(port, "port")), "%s: opens port %q, which there is not", p, text(port, "port"))
			}
		}
		f.add(!strings.Contains(fmt.Sprint(p.at("spec.ingress")), "monitoring"), "%s: keeps Prometheus out", p)
	}
	return f
}

// reaches is whether an egress rule selects pods with these labels at that port.
func reaches(p object, labels map[string]any, port string) bool {
	for _, rule := range p.list("spec.egress") {
		for _, to := range list(rule, "to") {
			if !covers(dict(to, "podSelector.matchLabels"), labels) {
				continue
			}
			for _, at := range list(rule, "ports") {
				if text(at, "port") == port {
					return true
				}
			}
		}
	}
	return false
}

// rescue: least rights, and only what the tool's own code asks for.
func rescue(s site) (f faults) {
	want := map[string]string{
		"statefulsets": "[list]", "pods": "[get list delete]", "persistentvolumeclaims": "[get list delete]",
		"events": "[create]", "nodes": "[list]", "persistentvolumes": "[get list]",
	}
	r := s.at("rescue/deploy")
	rules := r.one("Role", "millrace-rescue").list("rules")
	got := map[string]string{}
	for _, rule := range append(rules, r.one("ClusterRole", "millrace-rescue").list("rules")...) {
		for _, res := range list(rule, "resources") {
			got[fmt.Sprint(res)] = fmt.Sprint(list(rule, "verbs"))
		}
	}
	for res, verbs := range want {
		f.add(got[res] != verbs, "rescue/deploy: may %s %s; it needs %s", got[res], res, verbs)
	}
	for _, rule := range r.one("ClusterRole", "millrace-rescue").list("rules") {
		f.add(strings.Contains(fmt.Sprint(list(rule, "verbs")), "delete"), "rescue/deploy: may delete in the whole cluster")
	}
	clean := s.at("rescue/deploy+rescue/clean-volumes")
	f.add(!strings.Contains(fmt.Sprint(clean.one("ClusterRole", "millrace-rescue").m), "delete"), "clean-volumes: may not delete volumes")
	f.add(!strings.Contains(fmt.Sprint(clean.one("Deployment", "millrace-rescue").m), "-clean-volumes"), "clean-volumes: the tool is not told")
	args := fmt.Sprint(at(r.one("Deployment", "millrace-rescue").pod(), "spec.containers[0].args"))
	f.add(!strings.HasPrefix(args, "[watch"), "rescue/deploy: runs %s, not watch", args)
	return f
}
