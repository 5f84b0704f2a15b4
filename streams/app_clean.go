package streams

import (
	"context"
	"time"
)

// clean removes the state of tasks that have moved away, now and then, until ctx
// ends. What fails is logged and tried again.
func (s *state) clean(ctx context.Context) {
	tick := time.NewTicker(s.cfg.StateCleanupDelay)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.cleanNow()
		}
	}
}

// cleanNow also takes back what the group was told of them.
func (s *state) cleanNow() {
	removed, err := s.dir.Clean(s.cfg.StateCleanupDelay, nil)
	if err != nil {
		s.cfg.Logger.Warn("old state could not be removed", "state_dir", s.dir.Path(), "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range removed {
		delete(s.known, id)
	}
}
