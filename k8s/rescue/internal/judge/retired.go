package judge

import (
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Retired are those of a group's static members that the set has scaled away: the
// pod's ordinal is beyond the replicas, and no such pod exists any more. They would
// hold their tasks until the session times out.
func Retired(s *appsv1.StatefulSet, pods []corev1.Pod, members []string) []string {
	if !OptedIn(s) || s.Annotations[Group] == "" || s.Status.ObservedGeneration < s.Generation {
		return nil // the controller has not seen the present number yet
	}
	var out []string
	for _, m := range members {
		ordinal, ok := ordinalOf(m, s.Name)
		if ok && beyond(ordinal, s) && !exists(m, pods) {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

// ordinalOf reads the number in a pod's name, if the pod can be one of the set.
func ordinalOf(pod, set string) (int32, bool) {
	text, ok := strings.CutPrefix(pod, set+"-")
	if !ok || text == "" || text != "0" && text[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int32(n), err == nil
}

func beyond(ordinal int32, s *appsv1.StatefulSet) bool {
	start := int32(0)
	if s.Spec.Ordinals != nil {
		start = s.Spec.Ordinals.Start
	}
	return ordinal < start || ordinal >= start+replicas(s)
}

func exists(name string, pods []corev1.Pod) bool {
	return slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.Name == name })
}
