package judge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
	"github.com/millrace/millrace/k8s/rescue/internal/scene"
)

// long is before every delay has passed.
func long() time.Time { return scene.Start().Add(-10 * time.Minute) }

// verdictOf is what was found about one pod; every pending pod has a verdict.
func verdictOf(t *testing.T, vs []judge.Verdict, pod string) judge.Verdict {
	t.Helper()
	for _, v := range vs {
		if v.Pod.Name == pod {
			return v
		}
	}
	require.Fail(t, "no verdict about "+pod)
	return judge.Verdict{}
}

// TestVerdicts: one world a line; what happens to the pod app-2 of three.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(w *judge.World, r *judge.Rules)
		action judge.Action
		cause  string
	}{
		"lost node": {func(w *judge.World, _ *judge.Rules) { scene.Lose(w, 2, long()) }, judge.Free, "lost-node"},
		"lost node, another pod pending on a cordoned one": {func(w *judge.World, _ *judge.Rules) {
			scene.Pend(w, 0, long())
			w.Nodes[0].Spec.Unschedulable = true
			scene.Lose(w, 2, long())
		}, judge.Free, "lost-node"},
		"cordoned": {func(w *judge.World, _ *judge.Rules) {
			scene.Pend(w, 2, long())
			w.Nodes[2].Spec.Unschedulable = true
		}, judge.Hold, "not-lost"},
		"restarting": {func(w *judge.World, _ *judge.Rules) {
			scene.Pend(w, 2, long())
			notReady(&w.Nodes[2], long())
		}, judge.Hold, "not-lost"},
		"not ready for too long, if the rules say so": {func(w *judge.World, r *judge.Rules) {
			scene.Pend(w, 2, long())
			notReady(&w.Nodes[2], long())
			r.NotReadyAfter = 5 * time.Minute
		}, judge.Free, "lost-node"},
		"not ready for a while, if the rules say so": {func(w *judge.World, r *judge.Rules) {
			scene.Pend(w, 2, long())
			notReady(&w.Nodes[2], scene.Start().Add(-time.Minute))
			r.NotReadyAfter = 5 * time.Minute
		}, judge.Hold, "not-lost"},
		"out of service": {func(w *judge.World, _ *judge.Rules) {
			scene.Pend(w, 2, long())
			w.Nodes[2].Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute}}
		}, judge.Free, "lost-node"},
		"too soon": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, scene.Start().Add(-59*time.Second))
		}, judge.Hold, "waiting"},
		"soon, by annotation": {func(w *judge.World, _ *judge.Rules) {
			w.Sets[0].Annotations[judge.After] = "20s"
			scene.Lose(w, 2, scene.Start().Add(-21*time.Second))
		}, judge.Free, "lost-node"},
		"unreadable annotation": {func(w *judge.World, _ *judge.Rules) {
			w.Sets[0].Annotations[judge.After] = "soon"
			scene.Lose(w, 2, long())
		}, judge.Hold, "bad-annotation"},
		"pending for other reasons, node only now gone": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Homeless = map[string]time.Time{"pv-app-2": scene.Start().Add(-10 * time.Second)}
		}, judge.Hold, "waiting"},
		"seen for the first time": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Homeless = map[string]time.Time{}
		}, judge.Hold, "waiting"},
		"not refused by the scheduler": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Pods[2].Status.Conditions = nil
		}, judge.Hold, "not-unschedulable"},
		"network disk": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Volumes[2].Spec.NodeAffinity = nil
		}, judge.Hold, "not-lost"},
		"disk of a zone whose nodes are all gone": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Volumes[2].Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Key = corev1.LabelTopologyZone
		}, judge.Hold, "not-lost"},
		"volume bound to another claim": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Volumes[2].Spec.ClaimRef.UID = "another"
		}, judge.Hold, "not-lost"},
		"claim on its way out": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Claims[2].DeletionTimestamp = &metav1.Time{Time: scene.Start()}
		}, judge.Hold, "claim-unbound"},
		"claim gone and not made again": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Claims = w.Claims[:2]
		}, judge.Unblock, "claim-missing"},
		"two of three lost": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 1, long())
			scene.Lose(w, 2, long())
		}, judge.Hold, "outage"},
		"all nodes gone": {func(w *judge.World, _ *judge.Rules) {
			for i := range 3 {
				scene.Lose(w, i, long())
			}
		}, judge.Hold, "outage"},
		"nobody runs, one node really gone": {func(w *judge.World, _ *judge.Rules) {
			scene.Pend(w, 0, long())
			scene.Pend(w, 1, long())
			scene.Lose(w, 2, long())
		}, judge.Hold, "outage"},
		"no node ready": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			notReady(&w.Nodes[0], long())
			notReady(&w.Nodes[1], long())
		}, judge.Hold, "outage"},
		"the outage ends, this node is the last": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			w.Nodes[1].CreationTimestamp = metav1.NewTime(scene.Start().Add(-5 * time.Second))
		}, judge.Hold, "nodes-return"},
		"a new node without disks is no return": {func(w *judge.World, _ *judge.Rules) {
			scene.Lose(w, 2, long())
			fresh := scene.Node("fresh")
			fresh.CreationTimestamp = metav1.NewTime(scene.Start().Add(-5 * time.Second))
			w.Nodes = append(w.Nodes, fresh)
		}, judge.Free, "lost-node"},
		"another pod waits for its new volume": {func(w *judge.World, _ *judge.Rules) {
			scene.Pend(w, 1, long())
			w.Claims[1].Spec.VolumeName = ""
			scene.Lose(w, 2, long())
		}, judge.Hold, "one-at-a-time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := scene.World(3), judge.Defaults()
			tc.change(&w, &r)
			v := verdictOf(t, judge.Decide(w, r), "app-2")
			require.Equal(t, tc.action.String(), v.Action.String(), v.Why)
			require.Equal(t, tc.cause, v.Cause)
			require.NotEmpty(t, v.Why)
			if v.Action == judge.Free {
				require.Len(t, v.Lost, 1)
				require.Equal(t, "state-app-2", v.Lost[0].Name)
			}
		})
	}
}

func notReady(n *corev1.Node, since time.Time) {
	n.Status.Conditions[0].Status = corev1.ConditionUnknown
	n.Status.Conditions[0].LastTransitionTime = metav1.NewTime(since)
}

// TestOnlyWhoOptedIn: without the annotation there is not even a verdict.
func TestOnlyWhoOptedIn(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "disabled", "true", "Enabled"} {
		w := scene.World(3)
		w.Sets[0].Annotations[judge.OptIn] = value
		scene.Lose(&w, 2, long())
		require.Empty(t, judge.Decide(w, judge.Defaults()), value)
	}
	w := scene.World(3)
	w.Sets[0].DeletionTimestamp = &metav1.Time{Time: scene.Start()}
	scene.Lose(&w, 2, long())
	require.Empty(t, judge.Decide(w, judge.Defaults()), "a set on its way out")
}

// TestForeignPods: a pod that only looks like one of the set is none.
func TestForeignPods(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	w.Pods[2].OwnerReferences[0].UID = "an older set of that name"
	require.Empty(t, judge.Decide(w, judge.Defaults()))
}

// TestOneAtATimeOverAllSets: two sets lose a pod each, one is freed.
func TestOneAtATimeOverAllSets(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	w.Sets = append(w.Sets, scene.Set("other", 3))
	for i := range int32(3) {
		scene.AddPod(&w, "other", i)
	}
	scene.Lose(&w, 2, long())
	scene.Lose(&w, 4, long())
	vs := judge.Decide(w, judge.Defaults())
	require.Equal(t, judge.Free, verdictOf(t, vs, "app-2").Action)
	require.Equal(t, judge.Hold, verdictOf(t, vs, "other-1").Action)
	require.Equal(t, "one-at-a-time", verdictOf(t, vs, "other-1").Cause)
}

// TestLargeSets: a third of the pods may be lost at the same time, not more.
func TestLargeSets(t *testing.T) {
	t.Parallel()
	for lost, want := range map[int]judge.Action{1: judge.Free, 4: judge.Free, 5: judge.Hold} {
		w := scene.World(12)
		for i := range lost {
			scene.Lose(&w, i, long())
		}
		require.Equal(t, want, judge.Decide(w, judge.Defaults())[0].Action, "%d of 12", lost)
	}
}

// TestASinglePod: a set of one may lose its one.
func TestASinglePod(t *testing.T) {
	t.Parallel()
	w := scene.World(1)
	scene.Lose(&w, 0, long())
	w.Nodes = append(w.Nodes, scene.Node("spare"))
	require.Equal(t, judge.Free, judge.Decide(w, judge.Defaults())[0].Action)
}

// TestRetired: only members beyond the replicas whose pod is gone.
func TestRetired(t *testing.T) {
	t.Parallel()
	members := []string{"app-0", "app-1", "app-2", "app-3", "app-4", "app-07", "app-x", "app-", "other-9", "app", "app-3-5"}
	w := scene.World(3)
	require.Equal(t, []string{"app-3", "app-4"}, judge.Retired(&w.Sets[0], w.Pods, members))

	scene.AddPod(&w, "app", 4)
	require.Equal(t, []string{"app-3"}, judge.Retired(&w.Sets[0], w.Pods, members), "app-4 is still on its way out")
	w.Sets[0].Generation, w.Sets[0].Status.ObservedGeneration = 2, 1
	require.Empty(t, judge.Retired(&w.Sets[0], w.Pods, members), "the controller has not seen the number yet")

	off := scene.World(3)
	off.Sets[0].Annotations[judge.OptIn] = ""
	require.Empty(t, judge.Retired(&off.Sets[0], off.Pods, members))
}

// TestRetiredWithAStart: ordinals need not begin at 0.
func TestRetiredWithAStart(t *testing.T) {
	t.Parallel()
	s := scene.Set("app", 2)
	require.Empty(t, judge.Retired(&s, nil, []string{"app-0", "app-1"}))
	w := scene.World(0)
	w.Sets[0].Spec.Replicas = nil
	require.Equal(t, []string{"app-1"}, judge.Retired(&w.Sets[0], nil, []string{"app-0", "app-1"}), "no number is one")
}
