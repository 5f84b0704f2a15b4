package judge

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// outage takes back what single pods were granted where the set as a whole looks as
// if the cluster were away, or just coming back.
func (ix indexed) outage(s *appsv1.StatefulSet, vs []Verdict, scheduled int, r Rules) {
	lost, busy := 0, ""
	for _, v := range vs {
		if len(v.Lost) > 0 {
			lost++
		}
		if v.Cause == "claim-unbound" {
			busy = v.Pod.Name
		}
	}
	for i := range vs {
		if vs[i].Action == Hold {
			continue
		}
		ix.veto(&vs[i], s, lost, scheduled, busy, r)
	}
}

// veto holds one verdict back, with the first reason that there is.
func (ix indexed) veto(v *Verdict, s *appsv1.StatefulSet, lost, scheduled int, busy string, r Rules) {
	ready := readyNodes(ix.Nodes)
	returned := ix.returned(s, r)
	switch {
	case ready == 0:
		v.hold("outage", "no node of the cluster is ready: this is an outage")
	case lost > max(1, int(float64(replicas(s))*r.MaxLost)):
		v.hold("outage", "%d of %d pods have lost their node: this looks like an outage, and every disk may be back with its node", lost, replicas(s))
	case replicas(s) > 1 && scheduled == 0:
		v.hold("outage", "no pod of the set is on a node: this looks like an outage")
	case lost > 0 && ix.lostNodes(r) >= max(2, ready):
		v.hold("outage", "as many nodes are missing as are ready: this looks like an outage")
	case returned != "":
		v.hold("nodes-return", "node %s has just come back with its disk; others may follow", returned)
	case busy != "":
		v.hold("one-at-a-time", "pod %s is still waiting for its new volume", busy)
	}
}

func readyNodes(nodes []corev1.Node) (n int) {
	for i := range nodes {
		if _, ready := readiness(&nodes[i]); ready {
			n++
		}
	}
	return n
}

// lostNodes counts the nodes that local volumes of opted-in claims miss.
func (ix indexed) lostNodes(r Rules) int {
	names := map[string]bool{}
	for _, v := range ix.Homes(r) {
		for _, name := range v.Names {
			names[name] = v.Gone || names[name]
		}
	}
	n := 0
	for _, gone := range names {
		if gone {
			n++
		}
	}
	return n
}

// Homes are the homes of all local volumes that claims of the namespace are bound
// to, by the volume's name.
func (w World) Homes(r Rules) map[string]Home {
	bound := map[string]bool{}
	for i := range w.Claims {
		bound[w.Claims[i].Spec.VolumeName] = true
	}
	out := map[string]Home{}
	for i := range w.Volumes {
		v := &w.Volumes[i]
		if !bound[v.Name] {
			continue
		}
		if h := Find(v, w.Nodes, r, w.Now); h.Local {
			out[v.Name] = h
		}
	}
	return out
}

// returned names a node younger than a volume on it, registered within twice the delay:
// it was away and is back. After an outage the others come soon, but the last of them
// may take its time.
func (ix indexed) returned(s *appsv1.StatefulSet, r Rules) string {
	after, err := r.after(s)
	if err != nil {
		return ""
	}
	for i := range ix.Nodes {
		n := &ix.Nodes[i]
		if ix.Now.Sub(n.CreationTimestamp.Time) < 2*after && ix.hasOlderVolume(n) {
			return n.Name
		}
	}
	return ""
}

func (ix indexed) hasOlderVolume(n *corev1.Node) bool {
	for _, c := range ix.claims {
		v, ok := ix.volumes[c.Spec.VolumeName]
		if !ok || !v.CreationTimestamp.Before(&n.CreationTimestamp) {
			continue
		}
		for _, name := range boundTo(v) {
			if name == n.Name || name == n.Labels[corev1.LabelHostname] {
				return true
			}
		}
	}
	return false
}
