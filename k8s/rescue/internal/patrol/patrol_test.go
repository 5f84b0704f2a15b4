package patrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/millrace/millrace/k8s/rescue/internal/cluster"
	"github.com/millrace/millrace/k8s/rescue/internal/judge"
	"github.com/millrace/millrace/k8s/rescue/internal/scene"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// groups is a Kafka with one group.
type groups struct {
	mu      sync.Mutex
	members []string
	removed []string
	err     error
}

func (g *groups) Static(context.Context, string) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members, g.err
}

func (g *groups) Remove(_ context.Context, group string, instances ...string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, i := range instances {
		g.removed = append(g.removed, group+"/"+i)
	}
	return g.err
}

// rig is a patrol on a fake cluster whose time passes only while the patrol waits.
type rig struct {
	*Patrol
	api    *fake.Clientset
	groups *groups
	now    time.Time
	out    bytes.Buffer
	// passing happens with every wait of the patrol.
	passing func()
}

// newRig fills the fake server, which refuses deletions of objects with another uid,
// as the real one does and the fake one does not.
func newRig(t *testing.T, w judge.World) *rig {
	t.Helper()
	r := &rig{api: fake.NewClientset(scene.Objects(w)...), groups: &groups{}, now: w.Now, passing: func() {}}
	r.api.PrependReactor("delete", "*", func(a k8stesting.Action) (bool, runtime.Object, error) {
		return r.guard(a.(k8stesting.DeleteActionImpl))
	})
	c := cluster.New(r.api, scene.Namespace, judge.Defaults())
	c.Now = func() time.Time { return r.now }
	c.Pause = func(ctx context.Context, d time.Duration) error {
		r.now = r.now.Add(d)
		r.passing()
		return ctx.Err()
	}
	r.Patrol = &Patrol{
		Cluster: c, Groups: r.groups, Out: &r.out, Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()),
	}
	return r
}

// guard checks the precondition on the uid, which every deletion must have.
func (r *rig) guard(a k8stesting.DeleteActionImpl) (bool, runtime.Object, error) {
	res := schema.GroupResource{Resource: a.Resource.Resource}
	if a.DeleteOptions.Preconditions == nil || a.DeleteOptions.Preconditions.UID == nil {
		return true, nil, errors.New("a deletion without a uid")
	}
	there, err := r.api.Tracker().Get(a.Resource, a.Namespace, a.Name)
	if err != nil {
		return true, nil, err
	}
	if got := there.(metav1.Object).GetUID(); got != *a.DeleteOptions.Preconditions.UID {
		return true, nil, apierrors.NewConflict(res, a.Name, errors.New("uid"))
	}
	return false, nil, nil
}

// claims are the uids of the claims by name.
func (r *rig) claims(t *testing.T) map[string]types.UID {
	t.Helper()
	list, err := r.api.CoreV1().PersistentVolumeClaims(scene.Namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	out := map[string]types.UID{}
	for _, c := range list.Items {
		out[c.Name] = c.UID
	}
	return out
}

// server makes missing claims of a set of three anew, as servers since 1.26 do.
func (r *rig) server(t *testing.T) func() {
	return func() {
		for i := range 3 {
			name := fmt.Sprintf("state-app-%d", i)
			if _, there := r.claims(t)[name]; there {
				continue
			}
			c := scene.Claim(name, "again-"+name, "")
			_, err := r.api.CoreV1().PersistentVolumeClaims(scene.Namespace).Create(t.Context(), &c, metav1.CreateOptions{})
			require.NoError(t, err)
		}
	}
}

// events are the reasons told, in order.
func (r *rig) events(t *testing.T) (out []string) {
	t.Helper()
	list, err := r.api.CoreV1().Events(scene.Namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	for _, e := range list.Items {
		require.Equal(t, "StatefulSet", e.InvolvedObject.Kind)
		out = append(out, e.Reason)
	}
	return out
}

func long() time.Time { return scene.Start().Add(-10 * time.Minute) }

// untouched are the claims of a scene as it began.
func untouched(n int) map[string]types.UID {
	out := map[string]types.UID{}
	for i := range n {
		out[fmt.Sprintf("state-app-%d", i)] = types.UID(fmt.Sprintf("claim-app-%d", i))
	}
	return out
}

// TestLostNode: the claim goes, the new server makes another, the pod stays, the
// member leaves the group, and all of it is told and counted.
func TestLostNode(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Pend(&w, 0, long())
	w.Nodes[0].Spec.Unschedulable = true // another pod waits for a cordoned node
	scene.Lose(&w, 2, long())
	r := newRig(t, w)
	r.passing = r.server(t)
	require.NoError(t, r.Round(t.Context()))

	want := untouched(3)
	want["state-app-2"] = "again-state-app-2"
	require.Equal(t, want, r.claims(t))
	require.Equal(t, []string{"group-app/app-2"}, r.groups.removed)
	require.ElementsMatch(t, []string{cluster.HeldBack, cluster.ClaimDeleted, cluster.MemberRemoved}, r.events(t))
	require.EqualValues(t, 1, testutil.ToFloat64(r.Metrics.claims.WithLabelValues("app")))
	require.EqualValues(t, 0, testutil.ToFloat64(r.Metrics.pods.WithLabelValues("app")))
	require.Contains(t, r.out.String(), "app-2\tfree\tnode node-app-2 does not exist\n")
	_, err := r.api.CoreV1().Pods(scene.Namespace).Get(t.Context(), "app-2", metav1.GetOptions{})
	require.NoError(t, err, "the pod needs no deletion where the server makes claims anew")
}

// TestOldServer: nobody makes a new claim, so the pod must go as well.
func TestOldServer(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	r := newRig(t, w)
	require.NoError(t, r.Round(t.Context()))
	require.NotContains(t, r.claims(t), "state-app-2")
	_, err := r.api.CoreV1().Pods(scene.Namespace).Get(t.Context(), "app-2", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
	require.Equal(t, r.Cluster.Recreated, r.now.Sub(scene.Start()), "after having waited for the server")
	require.Contains(t, r.events(t), cluster.PodDeleted)
}

// TestDiedInBetween: a tool that ended after the claim and before the pod.
func TestDiedInBetween(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	w.Claims = w.Claims[:2]
	r := newRig(t, w)
	require.NoError(t, r.Round(t.Context()))
	_, err := r.api.CoreV1().Pods(scene.Namespace).Get(t.Context(), "app-2", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
	require.Equal(t, untouched(2), r.claims(t))
}

// TestDryRun says everything and does nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	r := newRig(t, w)
	r.DryRun, r.groups.members = true, []string{"app-5"}
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, "app\tretire\tscaled away: app-5\napp-2\tfree\tnode node-app-2 does not exist\n", r.out.String())
	require.Equal(t, untouched(3), r.claims(t))
	require.Empty(t, r.groups.removed)
	require.Empty(t, r.events(t))
}

// TestNothingIsTouched: cordoned, opted out, and claims that changed after the look.
func TestNothingIsTouched(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *judge.World){
		"cordoned": func(w *judge.World) {
			scene.Pend(w, 2, long())
			w.Nodes[2].Spec.Unschedulable = true
		},
		"opted out": func(w *judge.World) {
			delete(w.Sets[0].Annotations, judge.OptIn)
			scene.Lose(w, 2, long())
		},
		"full outage": func(w *judge.World) {
			for i := range 3 {
				scene.Lose(w, i, long())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := scene.World(3)
			change(&w)
			r := newRig(t, w)
			for range 3 {
				require.NoError(t, r.Round(t.Context()))
			}
			require.Equal(t, untouched(3), r.claims(t))
			require.Empty(t, r.groups.removed)
		})
	}
}

// TestChangedMeanwhile: between the look and the deletion the world moves on.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(t *testing.T, r *rig){
		"claim made anew": func(t *testing.T, r *rig) {
			claims := r.api.CoreV1().PersistentVolumeClaims(scene.Namespace)
			require.NoError(t, r.api.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), scene.Namespace, "state-app-2"))
			c := scene.Claim("state-app-2", "by somebody else", "pv-app-2")
			_, err := claims.Create(t.Context(), &c, metav1.CreateOptions{})
			require.NoError(t, err)
		},
		"node back": func(t *testing.T, r *rig) {
			n := scene.Node("node-app-2")
			_, err := r.api.CoreV1().Nodes().Create(t.Context(), &n, metav1.CreateOptions{})
			require.NoError(t, err)
		},
		"pod scheduled": func(t *testing.T, r *rig) {
			pods := r.api.CoreV1().Pods(scene.Namespace)
			p, err := pods.Get(t.Context(), "app-2", metav1.GetOptions{})
			require.NoError(t, err)
			p.Spec.NodeName = "node-app-1"
			_, err = pods.Update(t.Context(), p, metav1.UpdateOptions{})
			require.NoError(t, err)
		},
		"volume gone": func(t *testing.T, r *rig) {
			require.NoError(t, r.api.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("persistentvolumes"), "", "pv-app-2"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := scene.World(3)
			scene.Lose(&w, 2, long())
			r := newRig(t, w)
			seen, err := r.Cluster.Look(t.Context())
			require.NoError(t, err)
			v := judge.Decide(seen, judge.Defaults())[0]
			require.Equal(t, judge.Free, v.Action)
			move(t, r)
			_, err = r.Cluster.Free(t.Context(), v)
			require.ErrorIs(t, err, cluster.ErrChanged)
			require.NoError(t, r.carryOut(t.Context(), v), "that is no failure of the tool")
			require.Len(t, r.claims(t), 3)
		})
	}
}

// TestRaceOfTheLastMoment: the claim is replaced after the last look; the server
// itself refuses, because the deletion names the uid.
func TestRaceOfTheLastMoment(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	r := newRig(t, w)
	r.api.PrependReactor("delete", "persistentvolumeclaims", func(k8stesting.Action) (bool, runtime.Object, error) {
		res := corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
		require.NoError(t, r.api.Tracker().Delete(res, scene.Namespace, "state-app-2"))
		c := scene.Claim("state-app-2", "by somebody else", "pv-elsewhere")
		require.NoError(t, r.api.Tracker().Create(res, &c, scene.Namespace))
		return false, nil, nil
	})
	require.NoError(t, r.Round(t.Context()))
	require.EqualValues(t, "by somebody else", r.claims(t)["state-app-2"])
	require.Empty(t, r.groups.removed, "its member may be the new one's")
}

// TestOutageOf40Seconds: all nodes vanish and come back one by one while the tool
// watches. No claim is lost, at no moment.
func TestOutageOf40Seconds(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	r := newRig(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	nodes := r.api.CoreV1().Nodes()
	step := 0
	r.passing = func() {
		step++
		second := int(r.now.Sub(scene.Start()).Seconds())
		switch {
		case second == 10:
			r.vanish(t, &w)
		case second == 50 || second == 55 || second == 120: // the last one takes its time
			n := scene.Node(fmt.Sprintf("node-app-%d", map[int]int{50: 0, 55: 1, 120: 2}[second]))
			n.CreationTimestamp = metav1.NewTime(r.now)
			_, err := nodes.Create(t.Context(), &n, metav1.CreateOptions{})
			require.NoError(t, err)
			r.schedule(t, n.Name)
		case second > 300:
			cancel()
		}
		require.Equal(t, untouched(3), r.claims(t), "after %d s", second)
	}
	require.NoError(t, r.Watch(ctx, 5*time.Second))
	require.Greater(t, step, 50)
	require.Empty(t, r.groups.removed)
}

// vanish deletes all nodes; the controllers make all pods anew, and none fits.
func (r *rig) vanish(t *testing.T, w *judge.World) {
	t.Helper()
	for i := range w.Nodes {
		require.NoError(t, r.api.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("nodes"), "", w.Nodes[i].Name))
	}
	for i := range w.Pods {
		scene.Pend(w, i, r.now)
		_, err := r.api.CoreV1().Pods(scene.Namespace).Update(t.Context(), &w.Pods[i], metav1.UpdateOptions{})
		require.NoError(t, err)
	}
}

// schedule puts the pod of a node back on it.
func (r *rig) schedule(t *testing.T, node string) {
	t.Helper()
	pods := r.api.CoreV1().Pods(scene.Namespace)
	p, err := pods.Get(t.Context(), node[len("node-"):], metav1.GetOptions{})
	require.NoError(t, err)
	p.Spec.NodeName, p.Status.Phase = node, corev1.PodRunning
	_, err = pods.Update(t.Context(), p, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// TestWatchWaits: a node that vanishes while the tool watches is given its time, and
// a single look with the node back begins it anew.
func TestWatchWaits(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long()) // pending for long, but the tool sees it only now
	r := newRig(t, w)
	server := r.server(t)
	ctx, cancel := context.WithCancel(t.Context())
	var freed time.Duration
	r.passing = func() {
		switch after := r.now.Sub(scene.Start()); {
		case after == 60*time.Second:
			n := scene.Node("node-app-2")
			_, err := r.api.CoreV1().Nodes().Create(t.Context(), &n, metav1.CreateOptions{})
			require.NoError(t, err)
		case after == 65*time.Second:
			require.NoError(t, r.api.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("nodes"), "", "node-app-2"))
		case r.claims(t)["state-app-2"] != "claim-app-2" && freed == 0:
			freed = after
			server()
			cancel()
		}
	}
	require.NoError(t, r.Watch(ctx, 5*time.Second))
	require.Greater(t, freed, 65*time.Second+r.Cluster.Rules.After)
	require.Less(t, freed, 180*time.Second)
}

// TestScaledAway: members beyond the replicas leave as soon as their pods are gone.
func TestScaledAway(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	r := newRig(t, w)
	r.groups.members = []string{"app-0", "app-2", "app-3", "app-4"}
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, []string{"group-app/app-3", "group-app/app-4"}, r.groups.removed)
	require.Equal(t, []string{cluster.MemberRemoved}, r.events(t))
	require.EqualValues(t, 2, testutil.ToFloat64(r.Metrics.members.WithLabelValues("app")))
}

// TestKafkaIsAway: pods are freed all the same, and the error is told.
func TestKafkaIsAway(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Lose(&w, 2, long())
	r := newRig(t, w)
	r.passing, r.groups.err = r.server(t), errors.New("no broker")
	require.ErrorContains(t, r.Round(t.Context()), "no broker")
	require.EqualValues(t, "again-state-app-2", r.claims(t)["state-app-2"])

	r = newRig(t, w)
	r.passing, r.Groups = r.server(t), nil
	require.NoError(t, r.Round(t.Context()), "the tool works without Kafka")
	require.EqualValues(t, "again-state-app-2", r.claims(t)["state-app-2"])
}

// TestCleanVolumes: what is left of a disk whose node is gone, and nothing else.
func TestCleanVolumes(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	w.Volumes[0].Status.Phase = corev1.VolumeReleased // its node is there: the provisioner's business
	w.Volumes[1].Status.Phase = corev1.VolumeFailed
	scene.RemoveNode(&w, "node-app-1")
	scene.RemoveNode(&w, "node-app-2") // bound: not abandoned
	for clean, want := range map[bool]int{false: 3, true: 2} {
		r := newRig(t, w)
		r.CleanVolumes, r.Cluster.Everything = clean, clean
		require.NoError(t, r.Round(t.Context()))
		left, err := r.api.CoreV1().PersistentVolumes().List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, left.Items, want)
	}
}

// TestHeldBackIsToldOnce: not each round, and again after it was over.
func TestHeldBackIsToldOnce(t *testing.T) {
	t.Parallel()
	w := scene.World(3)
	scene.Pend(&w, 2, long())
	r := newRig(t, w)
	for range 3 {
		require.NoError(t, r.Round(t.Context()))
	}
	require.Equal(t, []string{cluster.HeldBack}, r.events(t))
	require.EqualValues(t, 1, testutil.ToFloat64(r.Metrics.pending.WithLabelValues("app", "not-lost")))
	r.schedule(t, "node-app-2")
	require.NoError(t, r.Round(t.Context()))
	require.Zero(t, testutil.CollectAndCount(r.Metrics.pending))
}

// TestQuietRounds ask for no node and no volume: the lists are long in large clusters.
func TestQuietRounds(t *testing.T) {
	t.Parallel()
	r := newRig(t, scene.World(3))
	require.NoError(t, r.Round(t.Context()))
	for _, a := range r.api.Actions() {
		require.NotContains(t, []string{"nodes", "persistentvolumes"}, a.GetResource().Resource)
	}
}
