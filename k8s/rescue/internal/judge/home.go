package judge

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// identityKeys are labels that name one node. A volume bound by anything wider, such
// as a zone, is no local disk: it outlives its nodes.
var identityKeys = []string{
	corev1.LabelHostname, "topology.topolvm.io/node", "openebs.io/nodename", "topology.openebs.io/nodename",
}

// Home is where a volume's data are.
type Home struct {
	// Local is whether the volume is bound to nodes by name at all.
	Local bool
	// Names are the nodes that it is bound to.
	Names []string
	// Gone is whether none of them is there any more.
	Gone bool
	// Why says in words what was found.
	Why string
}

// Find looks for the node of a volume among those of the cluster.
func Find(v *corev1.PersistentVolume, nodes []corev1.Node, r Rules, now time.Time) Home {
	names := boundTo(v)
	if len(names) == 0 {
		return Home{Why: "volume " + v.Name + " is not bound to a node by name: it is no local disk"}
	}
	h := Home{Local: true, Names: names, Gone: true, Why: "node " + strings.Join(names, ", ") + " does not exist"}
	selector, err := nodeaffinity.NewNodeSelector(v.Spec.NodeAffinity.Required)
	if err != nil {
		return Home{Why: "volume " + v.Name + " has a node affinity that cannot be read"}
	}
	for i := range nodes {
		if !selector.Match(&nodes[i]) {
			continue
		}
		if gone, why := departed(&nodes[i], r, now); gone {
			h.Why = why
		} else {
			return Home{Local: true, Names: names, Why: why}
		}
	}
	return h
}

// boundTo is the nodes that a volume names, nothing if any alternative of its
// affinity names none.
func boundTo(v *corev1.PersistentVolume) (names []string) {
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
		return nil
	}
	for _, term := range v.Spec.NodeAffinity.Required.NodeSelectorTerms {
		found := termNames(term)
		if len(found) == 0 {
			return nil
		}
		names = append(names, found...)
	}
	return names
}

func termNames(term corev1.NodeSelectorTerm) []string {
	for _, e := range term.MatchExpressions {
		if e.Operator == corev1.NodeSelectorOpIn && slices.Contains(identityKeys, e.Key) {
			return e.Values
		}
	}
	for _, e := range term.MatchFields {
		if e.Operator == corev1.NodeSelectorOpIn && e.Key == "metadata.name" {
			return e.Values
		}
	}
	return nil
}

// departed is whether a Node that exists is gone all the same: its operator has said
// so by the taint, or it has been silent for longer than the rules allow.
func departed(n *corev1.Node, r Rules, now time.Time) (bool, string) {
	for _, t := range n.Spec.Taints {
		if t.Key == corev1.TaintNodeOutOfService {
			return true, "node " + n.Name + " is tainted " + corev1.TaintNodeOutOfService
		}
	}
	since, ready := readiness(n)
	switch {
	case !ready && r.NotReadyAfter > 0 && now.Sub(since) >= r.NotReadyAfter:
		return true, "node " + n.Name + " has not been ready for " + now.Sub(since).Round(time.Second).String()
	case !ready:
		return false, "node " + n.Name + " exists and is not ready: it may be back with its disk"
	case n.Spec.Unschedulable:
		return false, "node " + n.Name + " exists and is cordoned"
	}
	return false, "node " + n.Name + " exists"
}

// readiness is since when a node is or is not ready.
func readiness(n *corev1.Node) (since time.Time, ready bool) {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.LastTransitionTime.Time, c.Status == corev1.ConditionTrue
		}
	}
	return n.CreationTimestamp.Time, false
}
