package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/streams/internal/client"
	"github.com/millrace/millrace/streams/internal/global"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// openGlobals fills the global stores from their topics, before any task runs.
func (e *engine) openGlobals(ctx context.Context) error {
	c := e.app.cfg
	if len(e.app.plan.Globals) == 0 {
		return nil
	}
	db, err := e.state.openGlobal()
	if err != nil {
		return err
	}
	e.app.enter(StateRestoring, nil) // it may take long, and is no reason to start anew
	defer e.app.enter(StateStarting, nil)
	e.globals, err = global.Open(ctx, global.Options{
		Globals: e.app.plan.Globals, Program: e.app.program, Task: task.Options{Undecodable: e.app.undecodable},
		DB: db, Admin: e.admin, Client: c.kafka().New, Observer: e.app.progress, Log: c.Logger,
	})
	if err != nil {
		return errors.Join(client.Explain(err, c.Brokers), db.Close())
	}
	return nil
}

// openGlobal opens the database of the global stores. Damaged files are set aside: the
// topics have everything.
func (s *state) openGlobal() (*pebblestore.DB, error) {
	db, err := pebblestore.Open(s.dir.GlobalDir(), s.options())
	if !errors.Is(err, store.ErrCorrupt) {
		return db, err
	}
	aside, failed := s.dir.QuarantineGlobal(err.Error())
	if failed != nil {
		return nil, failed
	}
	s.cfg.Logger.Error("the global stores are damaged; they are set aside and filled from their topics", "aside", aside, "err", err)
	return pebblestore.Open(s.dir.GlobalDir(), s.options())
}

// globalEngine is a global store for a task; nil if the program has none.
func (e *engine) globalEngine() func(string) (store.Engine, error) {
	if e.globals == nil {
		return nil
	}
	return e.globals.Engine
}

// keepGlobals keeps the global stores up to date, and ends the App if it cannot.
func (e *engine) keepGlobals() {
	if e.globals == nil {
		return
	}
	if err := e.globals.Run(e.soft); err != nil {
		e.app.fail(err)
	}
}

// closeGlobals ends that, once no task reads them any more.
func (e *engine) closeGlobals() error {
	if e.globals == nil {
		return nil
	}
	return e.globals.Close()
}

// describeGlobals adds the global stores to a snapshot.
func (e *engine) describeGlobals(s *Status) {
	if e.globals == nil {
		return
	}
	for k, n := range e.globals.Skipped() {
		s.Skipped[SkipKey(k)] += n
	}
	for _, g := range e.globals.Status() {
		s.Globals = append(s.Globals, GlobalStatus(g))
	}
}

// globalReader is the bytes of a global store of the running App.
func (a *App) globalReader(b *Builder, st topo.StoreID) (store.Reader, error) {
	if b == nil || a.topology.of != b {
		return nil, errors.New("the global table does not belong to the App's builder")
	}
	name := a.topology.graph.Stores[st].Spec.Name
	a.mu.Lock()
	rt := a.rt
	a.mu.Unlock()
	if rt == nil || rt.globals == nil {
		return nil, fmt.Errorf("the global store %s can be read while the App runs, and it does not run yet", name)
	}
	return rt.globals.Reader(name)
}

// undecodable asks the user what to do about a record of a global topic. There is no
// producer beside global stores: a dead letter is left out and logged, not written.
func (a *App) undecodable(r *task.Raw, err *task.DecodeError) (skip bool) {
	if a.cfg.OnUndecodable == nil {
		return false
	}
	f := Failure{
		Kind: Undecodable, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time, Reason: task.SkipUndecodable,
		Key: r.Key, Value: r.Value, Headers: r.Headers, Operator: err.Operator, Where: err.Where, Part: err.Part, Attempt: 1, Err: err.Err,
	}
	switch a.cfg.OnUndecodable(f) {
	case DeadLetter:
		a.cfg.Logger.Warn("a record of a global topic is left out; dead letters are written by tasks only", "error", f)
		return true
	case Continue:
		return true
	}
	return false
}
