// Package patrol goes round: it looks at a namespace, asks the judge, and has done
// what the judge allows.
package patrol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/millrace/millrace/k8s/rescue/internal/cluster"
	"github.com/millrace/millrace/k8s/rescue/internal/judge"
)

// Groups are the consumer groups of the sets; members.Groups, or a test's.
type Groups interface {
	Static(ctx context.Context, group string) ([]string, error)
	Remove(ctx context.Context, group string, instances ...string) error
}

// Patrol remembers from round to round. It belongs to one goroutine.
type Patrol struct {
	Cluster *cluster.Cluster
	// Groups is nil where the tool was given no Kafka.
	Groups Groups
	// DryRun changes nothing and says what would be done.
	DryRun bool
	// CleanVolumes deletes the volume objects that freed claims leave behind.
	CleanVolumes bool
	// Out, if set, gets one line per verdict.
	Out     io.Writer
	Log     *slog.Logger
	Metrics *Metrics

	homeless map[string]time.Time
	told     map[string]string
}

// Watch goes round until ctx ends. An error of one round is logged and counted; the
// next round begins afresh.
func (p *Patrol) Watch(ctx context.Context, every time.Duration) error {
	p.homeless = map[string]time.Time{}
	for {
		if err := p.Round(ctx); err != nil && ctx.Err() == nil {
			p.Metrics.errors.Inc()
			p.Log.Error("round", "error", err)
		}
		if p.Cluster.Pause(ctx, every) != nil {
			return nil
		}
	}
}

// Round is one look and what follows from it. A Patrol that does not Watch has no
// memory: then the pods' own conditions say how long they have been waiting.
func (p *Patrol) Round(ctx context.Context) error {
	w, err := p.Cluster.Look(ctx)
	if err != nil {
		return err
	}
	p.remember(&w)
	verdicts := judge.Decide(w, p.Cluster.Rules)
	p.Metrics.verdicts(verdicts)
	faults := []error{p.retire(ctx, w)}
	for _, v := range verdicts {
		faults = append(faults, p.carryOut(ctx, v))
	}
	if p.CleanVolumes {
		faults = append(faults, p.clean(ctx, w))
	}
	p.forget(verdicts)
	return errors.Join(faults...)
}

// remember notes since when each volume has been without its node. A node that is
// back, if only for one look, begins the wait anew.
func (p *Patrol) remember(w *judge.World) {
	if p.homeless == nil {
		return
	}
	homes := w.Homes(p.Cluster.Rules)
	for name := range p.homeless {
		if !homes[name].Gone {
			delete(p.homeless, name)
		}
	}
	for name, h := range homes {
		if _, known := p.homeless[name]; h.Gone && !known {
			p.homeless[name] = w.Now
		}
	}
	w.Homeless = p.homeless
}

// forget drops what was told about pods that are no longer pending.
func (p *Patrol) forget(verdicts []judge.Verdict) {
	pending := map[string]bool{}
	for _, v := range verdicts {
		pending[v.Pod.Name] = true
	}
	for name := range p.told {
		if !pending[name] {
			delete(p.told, name)
		}
	}
}

// carryOut does what one verdict says.
func (p *Patrol) carryOut(ctx context.Context, v judge.Verdict) error {
	p.line("%s\t%s\t%s", v.Pod.Name, v.Action, v.Why)
	if v.Action == judge.Hold {
		return p.holdBack(ctx, v)
	}
	if p.DryRun {
		return nil
	}
	p.Log.Info("acting", "pod", v.Pod.Name, "action", v.Action.String(), "why", v.Why)
	err := p.act(ctx, v)
	if errors.Is(err, cluster.ErrChanged) {
		p.Log.Info("nothing done", "pod", v.Pod.Name, "why", err)
		return nil
	}
	return err
}

func (p *Patrol) act(ctx context.Context, v judge.Verdict) error {
	if v.Action == judge.Unblock {
		if err := p.Cluster.Unblock(ctx, v); err != nil {
			return err
		}
		return p.podDeleted(ctx, v)
	}
	done, err := p.Cluster.Free(ctx, v)
	for _, claim := range done.Claims {
		p.Metrics.claims.WithLabelValues(v.Set.Name).Inc()
		p.tell(ctx, v, cluster.ClaimDeleted, fmt.Sprintf("claim %s deleted, pod %s can move: %s", claim, v.Pod.Name, v.Why))
	}
	if len(done.Claims) > 0 { // its tasks must not wait for a member whose state is gone
		err = errors.Join(err, p.remove(ctx, v, v.Pod.Name))
	}
	if err == nil && done.Pod {
		err = p.podDeleted(ctx, v)
	}
	return err
}

func (p *Patrol) podDeleted(ctx context.Context, v judge.Verdict) error {
	p.Metrics.pods.WithLabelValues(v.Set.Name).Inc()
	p.tell(ctx, v, cluster.PodDeleted, "pod "+v.Pod.Name+" deleted: the server made no new claim for it")
	return nil
}

// holdBack tells a reason once, not each round: only those that somebody may have to
// act upon, not a wait that ends by itself.
func (p *Patrol) holdBack(ctx context.Context, v judge.Verdict) error {
	if p.DryRun || v.Cause == "waiting" || p.told[v.Pod.Name] == v.Cause {
		return nil
	}
	if p.told == nil {
		p.told = map[string]string{}
	}
	p.told[v.Pod.Name] = v.Cause
	p.Log.Warn("held back", "pod", v.Pod.Name, "cause", v.Cause, "why", v.Why)
	p.tell(ctx, v, cluster.HeldBack, "pod "+v.Pod.Name+" is not freed: "+v.Why)
	return nil
}

// clean deletes the objects of volumes that went with their node.
func (p *Patrol) clean(ctx context.Context, w judge.World) error {
	var faults []error
	for _, v := range p.Cluster.Abandoned(w) {
		p.line("%s\tclean\tits node is gone and its claim deleted", v.Name)
		if p.DryRun {
			continue
		}
		if err := p.Cluster.Clean(ctx, v); err != nil && !errors.Is(err, cluster.ErrChanged) {
			faults = append(faults, err)
			continue
		}
		p.Metrics.volumes.Inc()
		p.Log.Info("volume deleted", "volume", v.Name, "phase", string(v.Status.Phase), "was", claimOf(v))
	}
	return errors.Join(faults...)
}

func claimOf(v *corev1.PersistentVolume) string { return v.Spec.ClaimRef.Name }

// line is for people who run the tool by hand.
func (p *Patrol) line(format string, args ...any) {
	if p.Out != nil {
		fmt.Fprintf(p.Out, format+"\n", args...)
	}
}

// tell leaves an event; without it the tool works all the same.
func (p *Patrol) tell(ctx context.Context, v judge.Verdict, reason, message string) {
	if err := p.Cluster.Tell(ctx, v.Set, reason, message); err != nil {
		p.Log.Warn("event", "reason", reason, "error", err)
	}
}
