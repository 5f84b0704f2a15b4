package worker

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/task"
)

var _ task.Judge = (*owned)(nil)

// Judges implements task.Judge.
func (o *owned) Judges(kind task.FailureKind) bool { return o.worker.opt.Handlers.Judges(kind) }

// Judge implements task.Judge. What is left out counts as an error of the worker, too,
// unless an operator drops it by rule.
func (o *owned) Judge(f *task.Failure) (again bool, err error) {
	f.Task = o.task.ID
	if f.Kind != task.Dropped {
		o.worker.count.errors++
	}
	return o.worker.opt.Handlers.Judge(o, f)
}

// runtimeError marks an error as none of a record's, so that no handler passes over it.
func runtimeError(err error) error {
	if err == nil {
		return nil
	}
	return &task.RuntimeError{Err: err}
}

// faulty is an engine whose errors are marked so. Errors are rare: nothing else is done.
type faulty struct{ store.Engine }

// Get implements store.Engine.
func (f faulty) Get(key []byte) (value []byte, ok bool, err error) {
	value, ok, err = f.Engine.Get(key)
	return value, ok, runtimeError(err)
}

// Scan implements store.Engine.
func (f faulty) Scan(lo, hi []byte, reverse bool, visit func(key, value []byte) bool) error {
	return runtimeError(f.Engine.Scan(lo, hi, reverse, visit))
}

// Put implements store.Engine.
func (f faulty) Put(key, value []byte) error { return runtimeError(f.Engine.Put(key, value)) }

// Delete implements store.Engine.
func (f faulty) Delete(key []byte) error { return runtimeError(f.Engine.Delete(key)) }

// DeleteRange implements store.Engine.
func (f faulty) DeleteRange(lo, hi []byte) error { return runtimeError(f.Engine.DeleteRange(lo, hi)) }

// BehindCache implements store.Backing.
func (f faulty) BehindCache() {
	if b, ok := f.Engine.(store.Backing); ok {
		b.BehindCache()
	}
}

// crash ends the application by an error that nothing else has met, or has the worker
// begin again if that is what the application wants.
func (w *Worker) crash(err error) {
	if w.opt.Replace != nil && w.opt.Replace(err) {
		w.abort(err)
		return
	}
	w.fail(err)
}
