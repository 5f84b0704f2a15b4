package streams

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/client"
	"github.com/millrace/millrace/streams/internal/topo"
)

// errMatches ends an engine so that the next one begins with other topics.
var errMatches = errors.New("other topics match the patterns now")

// matched is what an App knows about topics that it reads by a pattern.
type matched struct {
	topics []string // that there were when the engine was opened, those that match only
}

// lookUp finds the topics that there are, and plans for those that match.
func (a *App) lookUp(ctx context.Context) error {
	if !a.topology.Patterns() {
		return nil
	}
	cl, err := a.cfg.kafka().New()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := client.Check(ctx, cl); err != nil {
		return err
	}
	found, err := a.matching(ctx, cl)
	if err != nil {
		return client.Explain(err, a.cfg.Brokers)
	}
	a.matched.topics = found
	a.program, a.plan = a.topology.Matching(found).ForApplication(a.cfg.ApplicationID, a.caches)
	a.cfg.Logger.Info("topics match the patterns", "topics", found)
	return nil
}

// matching lists the topics that sources read by a pattern, sorted.
func (a *App) matching(ctx context.Context, cl *kgo.Client) ([]string, error) {
	all, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	own := internalTopics(a.topology.Plan(a.cfg.ApplicationID))
	names := slices.DeleteFunc(all.Names(), func(name string) bool {
		return strings.HasPrefix(name, "__") || slices.Contains(own, name)
	})
	fixed := a.topology.Plan(a.cfg.ApplicationID).SourceTopics()
	read := a.topology.Matching(names).Plan(a.cfg.ApplicationID).SourceTopics()
	return slices.DeleteFunc(read, func(name string) bool { return slices.Contains(fixed, name) }), nil
}

// internalTopics are those that the application makes for itself.
func internalTopics(p *topo.Plan) (out []string) {
	for _, sub := range p.Subtopologies {
		for _, r := range sub.Repartitions {
			out = append(out, r.Topic)
		}
		for _, s := range sub.Stores {
			if s.Logs() {
				out = append(out, s.Changelog)
			}
		}
	}
	return out
}

// watch looks from time to time whether other topics match, and then calls changed. It
// returns a function that ends it and waits for its end.
func (e *engine) watch(ctx context.Context, changed func()) (end func()) {
	if !e.app.topology.Patterns() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(e.app.cfg.PatternRefresh)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			if e.differs(ctx) {
				changed()
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// differs says whether other topics match than when the engine was opened. A failed
// request is tried again next time.
func (e *engine) differs(ctx context.Context) bool {
	found, err := e.app.matching(ctx, e.admin)
	if err != nil {
		if ctx.Err() == nil {
			e.app.cfg.Logger.Warn("the topics that match the patterns could not be listed", "err", err)
		}
		return false
	}
	return !slices.Equal(found, e.app.matched.topics)
}
