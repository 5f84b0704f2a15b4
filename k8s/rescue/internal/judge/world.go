package judge

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

const (
	// OptIn on a StatefulSet, with the value "enabled", lets the tool delete the
	// claims of its pods. Without it nothing of the set is ever touched.
	OptIn = "millrace.io/rescue"
	// After on a StatefulSet overrides Rules.After, as a Go duration.
	After = "millrace.io/rescue-after"
	// Group on a StatefulSet is the consumer group whose static members are its pods.
	Group = "millrace.io/consumer-group"

	enabled = "enabled"
)

// World is one namespace, and the nodes and volumes of its cluster, at one moment.
type World struct {
	Now     time.Time
	Sets    []appsv1.StatefulSet
	Pods    []corev1.Pod
	Claims  []corev1.PersistentVolumeClaim
	Volumes []corev1.PersistentVolume
	Nodes   []corev1.Node
	// Homeless says since when the tool has seen a volume, by its name, without a
	// node. A volume that is not in it has just been seen. Nil, as in a single run,
	// leaves the waiting to the age of the pod's own condition.
	Homeless map[string]time.Time
}

// Rules are what an operator may choose.
type Rules struct {
	// After is how long a pod must be unschedulable, and its volume without a node.
	After time.Duration
	// NotReadyAfter counts a node as gone once it has not been ready for that long.
	// 0, the default, never does: such a node may be back any minute, with its disk.
	NotReadyAfter time.Duration
	// MaxLost is the share of a set's pods that may have lost their node at the same
	// time; one pod always may. More is an outage, and nothing is done.
	MaxLost float64
}

// Defaults fit a cluster whose controller deletes the Node of a vanished machine. The
// server takes up to a minute by itself until the pod of such a node is made anew.
func Defaults() Rules { return Rules{After: time.Minute, MaxLost: 1.0 / 3} }

// OptedIn is whether the set's owner allows the tool to delete claims.
func OptedIn(s *appsv1.StatefulSet) bool {
	return s.Annotations[OptIn] == enabled && s.DeletionTimestamp == nil
}

// after is the set's own delay, or the rule's. A delay that cannot be read is no
// reason to hurry: the set is then left alone.
func (r Rules) after(s *appsv1.StatefulSet) (time.Duration, error) {
	text, ok := s.Annotations[After]
	if !ok {
		return r.After, nil
	}
	return time.ParseDuration(text)
}

// replicas of a set whose field is nil is one, as the API server has it.
func replicas(s *appsv1.StatefulSet) int32 {
	if s.Spec.Replicas == nil {
		return 1
	}
	return *s.Spec.Replicas
}
