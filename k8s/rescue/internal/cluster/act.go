package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
)

// ErrChanged is returned where the world is not any more what was decided for: the
// node is back, the claim is a new one, the pod has found a place. Nothing has been
// done then, and the next look decides anew.
var ErrChanged = errors.New("changed meanwhile")

// look is how often the server is asked whether it has made a new claim.
const look = time.Second

// Done is what was deleted.
type Done struct {
	Claims []string
	Pod    bool
}

// Free deletes the lost claims of a pod, after one more look at everything that the
// decision rests on, and the pod itself where the server makes no new claim.
func (c *Cluster) Free(ctx context.Context, v judge.Verdict) (Done, error) {
	var done Done
	if err := c.still(ctx, v); err != nil {
		return done, err
	}
	for _, claim := range v.Lost {
		err := c.API.CoreV1().PersistentVolumeClaims(c.Namespace).Delete(ctx, claim.Name, exactly(claim.UID, claim.ResourceVersion))
		if err != nil {
			return done, asChanged("delete claim "+claim.Name, err)
		}
		done.Claims = append(done.Claims, claim.Name)
	}
	again, err := c.recreated(ctx, v)
	if err != nil || again {
		return done, err
	}
	done.Pod, err = true, c.Unblock(ctx, v)
	return done, err
}

// Unblock deletes a pod that waits for a claim which nobody makes. Its controller
// makes both anew.
func (c *Cluster) Unblock(ctx context.Context, v judge.Verdict) error {
	if err := c.waits(ctx, v.Pod); err != nil {
		return err
	}
	err := c.API.CoreV1().Pods(c.Namespace).Delete(ctx, v.Pod.Name, exactly(v.Pod.UID, ""))
	return asChanged("delete pod "+v.Pod.Name, err)
}

// Clean deletes an abandoned volume's object. The disk itself went with its node.
func (c *Cluster) Clean(ctx context.Context, v *corev1.PersistentVolume) error {
	err := c.API.CoreV1().PersistentVolumes().Delete(ctx, v.Name, exactly(v.UID, v.ResourceVersion))
	return asChanged("delete volume "+v.Name, err)
}

// exactly deletes the object that was looked at, and none that bears its name.
func exactly(uid types.UID, version string) metav1.DeleteOptions {
	p := &metav1.Preconditions{UID: &uid}
	if version != "" {
		p.ResourceVersion = &version
	}
	return metav1.DeleteOptions{Preconditions: p}
}

// asChanged tells the server's "not this one" from real failures.
func asChanged(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
		return fmt.Errorf("%s: %w", what, ErrChanged)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// still reads everything afresh, past every cache, and judges it again.
func (c *Cluster) still(ctx context.Context, v judge.Verdict) error {
	if err := c.waits(ctx, v.Pod); err != nil {
		return err
	}
	nodes, err := c.API.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	for _, claim := range v.Lost {
		now, err := c.API.CoreV1().PersistentVolumeClaims(c.Namespace).Get(ctx, claim.Name, metav1.GetOptions{})
		if err != nil {
			return asChanged("get claim "+claim.Name, err)
		}
		if now.UID != claim.UID || now.Spec.VolumeName != claim.Spec.VolumeName || now.DeletionTimestamp != nil {
			return fmt.Errorf("claim %s: %w", claim.Name, ErrChanged)
		}
		volume, err := c.API.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
		if err != nil {
			return asChanged("get volume "+claim.Spec.VolumeName, err)
		}
		if !judge.Find(volume, nodes.Items, c.Rules, c.Now()).Gone {
			return fmt.Errorf("volume %s: its node: %w", volume.Name, ErrChanged)
		}
	}
	return nil
}

// waits is whether the very pod still is on no node.
func (c *Cluster) waits(ctx context.Context, p *corev1.Pod) error {
	now, err := c.API.CoreV1().Pods(c.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	if err != nil {
		return asChanged("get pod "+p.Name, err)
	}
	if now.UID != p.UID || now.Spec.NodeName != "" || now.DeletionTimestamp != nil {
		return fmt.Errorf("pod %s: %w", p.Name, ErrChanged)
	}
	return nil
}

// recreated waits until the server has made new claims for the pod. Servers since
// Kubernetes 1.26 do so; older ones leave the pod pending for ever.
func (c *Cluster) recreated(ctx context.Context, v judge.Verdict) (bool, error) {
	for deadline := c.Now().Add(c.Recreated); c.Now().Before(deadline); {
		fresh := 0
		for _, old := range v.Lost {
			now, err := c.API.CoreV1().PersistentVolumeClaims(c.Namespace).Get(ctx, old.Name, metav1.GetOptions{})
			if err == nil && now.UID != old.UID {
				fresh++
			} else if err != nil && !apierrors.IsNotFound(err) {
				return false, fmt.Errorf("get claim %s: %w", old.Name, err)
			}
		}
		if fresh == len(v.Lost) {
			return true, nil
		}
		if err := c.Pause(ctx, look); err != nil {
			return false, err
		}
	}
	return false, nil
}
