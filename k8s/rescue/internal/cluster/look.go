// Package cluster is the tool's way to the API server: one look at a namespace, and
// the few deletions that it may make, each with the uid it was decided for.
package cluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
)

// Cluster is one namespace of a Kubernetes cluster. It is safe for concurrent use.
type Cluster struct {
	API       kubernetes.Interface
	Namespace string
	// Rules are those that the decision was made by: they are applied once more
	// before anything is deleted.
	Rules judge.Rules
	// Now is the clock, Pause waits for a duration or the context's end.
	Now   func() time.Time
	Pause func(context.Context, time.Duration) error
	// Recreated is how long the server may take to make a new claim, before the pod
	// is deleted too.
	Recreated time.Duration
	// Everything reads volumes and nodes on each look, as cleaning volumes needs.
	Everything bool
}

// New is a Cluster with the real clock.
func New(api kubernetes.Interface, namespace string, rules judge.Rules) *Cluster {
	return &Cluster{API: api, Namespace: namespace, Rules: rules, Now: time.Now, Pause: pause, Recreated: 15 * time.Second}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Look reads what the judge needs. Volumes and nodes are of the whole cluster, so
// they are read only where a pod of a set that opted in is on no node; on all other
// rounds the world has none.
func (c *Cluster) Look(ctx context.Context) (judge.World, error) {
	w := judge.World{Now: c.Now()}
	sets, err := c.API.AppsV1().StatefulSets(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return w, fmt.Errorf("list statefulsets of %s: %w", c.Namespace, err)
	}
	w.Sets = sets.Items
	pods, err := c.API.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return w, fmt.Errorf("list pods of %s: %w", c.Namespace, err)
	}
	w.Pods = pods.Items
	if !c.Everything && !anyPending(w) {
		return w, nil
	}
	return w, c.storage(ctx, &w)
}

// anyPending is whether the rest of the world is worth a look.
func anyPending(w judge.World) bool {
	opted := false
	for i := range w.Sets {
		opted = opted || judge.OptedIn(&w.Sets[i])
	}
	for i := range w.Pods {
		if opted && w.Pods[i].Spec.NodeName == "" {
			return true
		}
	}
	return false
}

func (c *Cluster) storage(ctx context.Context, w *judge.World) error {
	claims, err := c.API.CoreV1().PersistentVolumeClaims(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list persistentvolumeclaims of %s: %w", c.Namespace, err)
	}
	volumes, err := c.API.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list persistentvolumes: %w", err)
	}
	nodes, err := c.API.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	w.Claims, w.Volumes, w.Nodes = claims.Items, volumes.Items, nodes.Items
	return nil
}

// Abandoned are volumes that a deleted claim of the namespace has left behind on a
// node that is gone: nobody can clean them, nobody can use them.
func (c *Cluster) Abandoned(w judge.World) (out []*corev1.PersistentVolume) {
	for i := range w.Volumes {
		v := &w.Volumes[i]
		left := v.Status.Phase == corev1.VolumeReleased || v.Status.Phase == corev1.VolumeFailed
		if !left || v.DeletionTimestamp != nil || v.Spec.ClaimRef == nil || v.Spec.ClaimRef.Namespace != c.Namespace {
			continue
		}
		if judge.Find(v, w.Nodes, judge.Rules{}, w.Now).Gone {
			out = append(out, v)
		}
	}
	return out
}
