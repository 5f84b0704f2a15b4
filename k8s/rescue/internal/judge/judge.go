package judge

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Action is what to do about a pod.
type Action int

const (
	// Hold leaves everything as it is; the verdict says why.
	Hold Action = iota
	// Free deletes the pod's lost claims, and the pod too where the server does not
	// give it new ones by itself.
	Free
	// Unblock deletes only the pod: its claim is gone already, and an old server
	// does not make a new one for a pod that exists.
	Unblock
)

// String is the action in one word.
func (a Action) String() string { return [...]string{"hold", "free", "unblock"}[a] }

// Verdict is what was found about one pending pod.
type Verdict struct {
	Action Action
	Set    *appsv1.StatefulSet
	Pod    *corev1.Pod
	// Lost are the claims whose volume has lost its node.
	Lost []*corev1.PersistentVolumeClaim
	// Cause is a word for metrics, Why a sentence for people.
	Cause, Why string
}

// Decide is the verdicts about all pending pods of the sets that opted in. At most
// one of them is more than Hold: one claim at a time, over the whole namespace.
func Decide(w World, r Rules) []Verdict {
	var out []Verdict
	ix := index(w)
	for i := range w.Sets {
		if OptedIn(&w.Sets[i]) {
			out = append(out, ix.set(&w.Sets[i], r)...)
		}
	}
	acting := false
	for i := range out {
		if out[i].Action == Hold {
			continue
		}
		if acting {
			out[i].hold("one-at-a-time", "another pod is freed first")
		}
		acting = true
	}
	return out
}

func (v *Verdict) hold(cause, format string, args ...any) {
	v.Action, v.Cause, v.Why = Hold, cause, fmt.Sprintf(format, args...)
}

// indexed is a World that can be looked up.
type indexed struct {
	World
	claims  map[string]*corev1.PersistentVolumeClaim
	volumes map[string]*corev1.PersistentVolume
}

func index(w World) indexed {
	ix := indexed{w, map[string]*corev1.PersistentVolumeClaim{}, map[string]*corev1.PersistentVolume{}}
	for i := range w.Claims {
		ix.claims[w.Claims[i].Name] = &w.Claims[i]
	}
	for i := range w.Volumes {
		ix.volumes[w.Volumes[i].Name] = &w.Volumes[i]
	}
	return ix
}

// set judges the pods of one set, each by itself and then all together.
func (ix indexed) set(s *appsv1.StatefulSet, r Rules) []Verdict {
	var out []Verdict
	scheduled := 0
	for i := range ix.Pods {
		p := &ix.Pods[i]
		if !owned(p, s) {
			continue
		}
		if p.Spec.NodeName != "" {
			scheduled++
		} else if p.Status.Phase == corev1.PodPending && p.DeletionTimestamp == nil {
			out = append(out, ix.pod(s, p, r))
		}
	}
	ix.outage(s, out, scheduled, r)
	return out
}

func owned(p *corev1.Pod, s *appsv1.StatefulSet) bool {
	for _, o := range p.OwnerReferences {
		if o.Controller != nil && *o.Controller && o.UID == s.UID {
			return true
		}
	}
	return false
}

// pod judges a pod that is on no node.
func (ix indexed) pod(s *appsv1.StatefulSet, p *corev1.Pod, r Rules) Verdict {
	v := Verdict{Set: s, Pod: p}
	after, err := r.after(s)
	since, unschedulable := unschedulableSince(p)
	switch {
	case err != nil:
		v.hold("bad-annotation", "annotation %s is no duration such as 90s", After)
	case !unschedulable:
		v.hold("not-unschedulable", "the scheduler has not refused it")
	default:
		ix.volumesOf(&v, r)
	}
	if v.Action == Hold {
		return v
	}
	for _, c := range v.Lost {
		since = later(since, ix.seen(c.Spec.VolumeName))
	}
	if age := ix.Now.Sub(since); age < after {
		v.hold("waiting", "%s; waiting %s more", v.Why, (after - age).Round(time.Second))
	}
	return v
}

// unschedulableSince is when the scheduler first refused the pod.
func unschedulableSince(p *corev1.Pod) (time.Time, bool) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return c.LastTransitionTime.Time, c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable
		}
	}
	return time.Time{}, false
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// seen is since when the volume has been without a node.
func (ix indexed) seen(volume string) time.Time {
	if ix.Homeless == nil {
		return time.Time{}
	}
	if t, ok := ix.Homeless[volume]; ok {
		return t
	}
	return ix.Now
}

// volumesOf looks at the pod's claims and says what could be done if it were time.
func (ix indexed) volumesOf(v *Verdict, r Rules) {
	v.hold("not-lost", "none of its volumes has lost its node")
	for _, vol := range v.Pod.Spec.Volumes {
		if vol.PersistentVolumeClaim == nil {
			continue
		}
		name := vol.PersistentVolumeClaim.ClaimName
		claim, ok := ix.claims[name]
		switch {
		case !ok:
			v.Action, v.Cause, v.Why = Unblock, "claim-missing", "claim "+name+" does not exist, and the server makes no new one for a pod that does"
			return
		case claim.DeletionTimestamp != nil || claim.Spec.VolumeName == "":
			v.hold("claim-unbound", "claim %s is being deleted or not bound yet", name)
			return
		}
		ix.claim(v, claim, r)
	}
}

// claim adds a lost claim to the verdict.
func (ix indexed) claim(v *Verdict, c *corev1.PersistentVolumeClaim, r Rules) {
	volume, ok := ix.volumes[c.Spec.VolumeName]
	if !ok || volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID != c.UID {
		return // not what the claim says it is bound to: hands off
	}
	h := Find(volume, ix.Nodes, r, ix.Now)
	switch {
	case h.Gone:
		v.Lost = append(v.Lost, c)
		v.Action, v.Cause, v.Why = Free, "lost-node", h.Why
	case v.Action == Hold:
		v.hold("not-lost", "%s", h.Why)
	}
}
