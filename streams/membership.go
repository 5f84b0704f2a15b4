package streams

import (
	"os"

	"github.com/millrace/millrace/streams/internal/group"
)

// Membership is what becomes of a static member's place in the group when its
// process ends (KIP-812). Dynamic members always leave.
type Membership uint8

const (
	// AsConfigured leaves if Config.LeaveOnClose is set or Config.ReplicasFile says
	// that this pod is being scaled away, and remains else.
	AsConfigured Membership = iota
	// Remain keeps the place for Config.SessionTimeout: a restart within it moves no
	// task and restores nothing.
	Remain
	// Leave gives the place up, so that others take the tasks over at once.
	Leave
)

// Close asks Run to end, as its context does, waits until it has, and returns what
// Run returned. It says what becomes of a static member's place; the last caller
// before the group is told decides. It is ErrNotRunning before Run was called. User
// functions of the topology must not call it: Run waits for them.
func (a *App) Close(m Membership) error {
	if !a.ran.Load() {
		return ErrNotRunning
	}
	a.mu.Lock()
	a.membership, a.closing = m, true
	if a.stop != nil {
		a.stop()
	}
	a.mu.Unlock()
	<-a.ended
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// leaves decides for a static member that ends.
func (a *App) leaves() bool {
	a.mu.Lock()
	m := a.membership
	a.mu.Unlock()
	if m != AsConfigured {
		return m == Leave
	}
	return a.cfg.LeaveOnClose || a.scaledAway()
}

// scaledAway asks the file that says how many replicas there are to be.
func (a *App) scaledAway() bool {
	if a.cfg.ReplicasFile == "" {
		return false
	}
	content, err := os.ReadFile(a.cfg.ReplicasFile)
	if err == nil {
		var away bool
		if away, err = group.ScaledAway(a.cfg.InstanceID, string(content)); err == nil {
			return away
		}
	}
	a.cfg.Logger.Warn("it is unknown whether this pod is being scaled away; it keeps its place in the group", "file", a.cfg.ReplicasFile, "err", err)
	return false
}
