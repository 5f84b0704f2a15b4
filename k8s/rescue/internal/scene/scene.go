// Package scene builds the small clusters that the tests play on: a set of pods on
// local volumes, one node each, and what can happen to them.
package scene

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
)

// Namespace is where the scenes play.
const Namespace = "kafka"

// Start is the time at which everything has long been running.
func Start() time.Time { return time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC) }

// World is a set of n pods that opted in, each on a node with its disk, all well.
func World(n int32) judge.World {
	w := judge.World{Now: Start(), Sets: []appsv1.StatefulSet{Set("app", n)}}
	for i := range n {
		AddPod(&w, "app", i)
	}
	return w
}

// Set is a StatefulSet that opted in, with a consumer group.
func Set(name string, n int32) appsv1.StatefulSet {
	return appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: Namespace, UID: types.UID("set-" + name),
			Annotations: map[string]string{judge.OptIn: "enabled", judge.Group: "group-" + name},
		},
		Spec: appsv1.StatefulSetSpec{Replicas: &n},
	}
}

// AddPod adds one running pod of a set with its claim, volume and node.
func AddPod(w *judge.World, set string, ordinal int32) {
	name, yes := fmt.Sprintf("%s-%d", set, ordinal), true
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: Namespace, UID: types.UID("pod-" + name),
			OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: set, UID: types.UID("set-" + set), Controller: &yes}},
		},
		Spec: corev1.PodSpec{NodeName: "node-" + name, Volumes: []corev1.Volume{{
			Name: "state", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "state-" + name}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	w.Pods = append(w.Pods, p)
	w.Claims = append(w.Claims, Claim("state-"+name, "claim-"+name, "pv-"+name))
	w.Volumes = append(w.Volumes, Volume("pv-"+name, "node-"+name, "state-"+name, "claim-"+name))
	w.Nodes = append(w.Nodes, Node("node-"+name))
}

// Claim is bound to a volume; with "" it is not bound yet.
func Claim(name, uid, volume string) corev1.PersistentVolumeClaim {
	return corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace, UID: types.UID(uid)},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: volume},
	}
}

// Volume is a local disk of a node, bound to a claim.
func Volume(name, node, claim, uid string) corev1.PersistentVolume {
	return corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(Start().Add(-time.Hour))},
		Spec: corev1.PersistentVolumeSpec{
			ClaimRef: &corev1.ObjectReference{Namespace: Namespace, Name: claim, UID: types.UID(uid)},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
			}}}},
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeBound},
	}
}

// Node is ready, and older than its disks.
func Node(name string) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{corev1.LabelHostname: name}, CreationTimestamp: metav1.NewTime(Start().Add(-2 * time.Hour)),
		},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(Start().Add(-2 * time.Hour)),
		}}},
	}
}

// Pend makes the i-th pod one that the scheduler refused at a time.
func Pend(w *judge.World, i int, since time.Time) {
	p := &w.Pods[i]
	p.Spec.NodeName, p.Status.Phase = "", corev1.PodPending
	p.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		LastTransitionTime: metav1.NewTime(since),
	}}
}

// Lose removes the i-th pod's node; the pod is pending from a time on.
func Lose(w *judge.World, i int, since time.Time) {
	name := w.Pods[i].Name
	Pend(w, i, since)
	RemoveNode(w, "node-"+name)
}

// RemoveNode deletes a Node.
func RemoveNode(w *judge.World, name string) {
	kept := w.Nodes[:0:0]
	for _, n := range w.Nodes {
		if n.Name != name {
			kept = append(kept, n)
		}
	}
	w.Nodes = kept
}

// Objects is everything, for a fake API server.
func Objects(w judge.World) (out []runtime.Object) {
	for i := range w.Sets {
		out = append(out, &w.Sets[i])
	}
	for i := range w.Pods {
		out = append(out, &w.Pods[i])
	}
	for i := range w.Claims {
		out = append(out, &w.Claims[i])
	}
	for i := range w.Volumes {
		out = append(out, &w.Volumes[i])
	}
	for i := range w.Nodes {
		out = append(out, &w.Nodes[i])
	}
	return out
}
