package patrol

import (
	"context"
	"errors"
	"strings"

	"github.com/millrace/millrace/k8s/rescue/internal/cluster"
	"github.com/millrace/millrace/k8s/rescue/internal/judge"
)

// retire removes the members that scaling down has left in the groups.
func (p *Patrol) retire(ctx context.Context, w judge.World) error {
	if p.Groups == nil {
		return nil
	}
	var faults []error
	for i := range w.Sets {
		s := &w.Sets[i]
		group := s.Annotations[judge.Group]
		if !judge.OptedIn(s) || group == "" {
			continue
		}
		static, err := p.Groups.Static(ctx, group)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		retired := judge.Retired(s, w.Pods, static)
		if len(retired) == 0 {
			continue
		}
		p.line("%s\tretire\tscaled away: %s", s.Name, strings.Join(retired, ", "))
		faults = append(faults, p.remove(ctx, judge.Verdict{Set: s}, retired...))
	}
	return errors.Join(faults...)
}

// remove makes members leave the set's group, if it has one and Kafka is known.
func (p *Patrol) remove(ctx context.Context, v judge.Verdict, instances ...string) error {
	group := v.Set.Annotations[judge.Group]
	if p.Groups == nil || group == "" || p.DryRun {
		return nil
	}
	if err := p.Groups.Remove(ctx, group, instances...); err != nil {
		return err
	}
	p.Metrics.members.WithLabelValues(v.Set.Name).Add(float64(len(instances)))
	names := strings.Join(instances, ", ")
	p.Log.Info("members removed", "group", group, "members", names)
	p.tell(ctx, v, cluster.MemberRemoved, "removed from group "+group+": "+names)
	return nil
}
