package pebblestore_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// cases is how many faults of the disk and corruptions are tried; 0 takes as many as
// a normal run has time for.
var cases = flag.Int("cases", 0, "faults and corruptions that are tried, e.g. 10000; 0: a few hundred")

// seed replays one corruption.
var seed = flag.Uint64("seed", 0, "the one corruption that is tried, as a failure tells it")

// life is one task from the first opening on: writing, flushing, loading, copying,
// expiring, compacting and closing. It keeps what the state should be at each
// position, whether or not that commit came about.
type life struct {
	db   *pebblestore.DB
	e    store.Engine
	now  map[string]string
	at   map[int64]map[string]string
	next int64

	positions []int64 // of the images that were taken of it
}

func newLife() *life {
	return &life{now: map[string]string{}, at: map[int64]map[string]string{0: {}}}
}

// phases are what a life consists of.
func (l *life) phases() []func() error {
	return []func() error{
		l.write, l.flush, l.write, l.load, l.write, l.copy, l.expire, l.flush, l.write, l.read, l.write, l.flush,
		l.write, l.flush, l.read, l.load, l.read, l.write,
	}
}

// run lives until the first error, and closes.
func (l *life) run(fs vfs.FS) (err error) {
	if err = l.open(fs); err != nil {
		return err
	}
	for _, phase := range l.phases() {
		if err = phase(); err != nil {
			break
		}
	}
	return errors.Join(err, l.db.Close())
}

func (l *life) open(fs vfs.FS) (err error) {
	l.db, err = pebblestore.Open("s", pebblestore.Options{FS: fs, MaxUnflushedBytes: 4096})
	if err != nil {
		return err
	}
	if l.e, err = l.db.Engine(plain); err != nil {
		return errors.Join(err, l.db.Close())
	}
	return nil
}

// record notes a change that the next commit will have.
func (l *life) record(m store.Mutation) { fold(l.now, []store.Mutation{m}) }

// position is the next one; the state as recorded belongs to it.
func (l *life) position() store.Position {
	l.next++
	l.at[l.next] = maps.Clone(l.now)
	return store.Position{"log": l.next}
}

func (l *life) mutations(n int) (muts []store.Mutation) {
	for i := range n {
		m := store.Mutation{Key: fmt.Appendf(nil, "key %03d", (int(l.next)*31+i*7)%120)}
		if i%9 != 8 {
			m.Value = fmt.Appendf(nil, "value %d of %d %080d", i, l.next, i)
		}
		muts = append(muts, m)
		l.record(m)
	}
	return muts
}

func (l *life) write() error {
	for range 4 {
		for _, m := range l.mutations(20) {
			put := l.e.Put
			if m.Value == nil {
				put = func(k, _ []byte) error { return l.e.Delete(k) }
			}
			if err := put(m.Key, m.Value); err != nil {
				return err
			}
		}
		if err := l.db.Commit(l.position()); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) flush() error { return l.db.Flush() }

func (l *life) load() error {
	load, err := l.db.Load()
	if err != nil {
		return err
	}
	for range 2 {
		muts := l.mutations(60)
		if err := load.Add("plain", muts, l.position()); err != nil {
			return err
		}
		if err := load.Sync(); err != nil {
			return err
		}
	}
	return load.Close()
}

func (l *life) copy() error { return l.db.Checkpoint(fmt.Sprintf("copies/%d", l.next)) }

func (l *life) expire() error {
	lo, hi := "key 010", "key 060"
	maps.DeleteFunc(l.now, func(k, _ string) bool { return k >= lo && k < hi })
	if err := l.e.DeleteRange([]byte(lo), []byte(hi)); err != nil {
		return err
	}
	return l.db.Commit(l.position())
}

// errWrong is a read that is not what was written: the one thing that must not be.
var errWrong = errors.New("a wrong read")

// read compares everything, as long as no error says that it cannot be read.
func (l *life) read() error { return compare(l.e, l.now) }

func compare(r store.Reader, want map[string]string) error {
	got := map[string]string{}
	err := r.Scan(nil, nil, false, func(k, v []byte) bool {
		got[string(k)] = string(v)
		return true
	})
	switch {
	case err != nil:
		return err
	case !maps.Equal(got, want):
		return fmt.Errorf("%w: %d keys, want %d", errWrong, len(got), len(want))
	}
	for k, want := range want {
		v, ok, err := r.Get([]byte(k))
		if err != nil {
			return err
		}
		if !ok || string(v) != want {
			return fmt.Errorf("%w of one key", errWrong)
		}
	}
	return nil
}

// check opens what a life left and compares it with what was recorded at the
// position that is found there.
func (l *life) check(fs vfs.FS) error {
	if err := l.open(fs); err != nil {
		return err
	}
	want, ok := l.at[l.db.Position()["log"]]
	if !ok {
		return errors.Join(fmt.Errorf("%w: a position that never was", errWrong), l.db.Close())
	}
	return errors.Join(compare(l.e, want), l.db.Close())
}

// fault is one case of TestFaults.
type fault struct {
	k     int
	err   error
	stays bool
}

// TestFaults lets the k-th call of a life fail, for every k, once or for good, with a
// full disk and with a broken one, reads and writes. The life ends in an error or
// goes on. What is on the disk afterwards opens at a commit and is what that commit
// was, or it is known to be damaged and is rebuilt; that may happen to a DB that could
// not even be created, and to hardly any other.
func TestFaults(t *testing.T) {
	t.Parallel()
	quiet := newFaults(-1, nil)
	quiet.reads = true
	quiet.arm()
	require.NoError(t, newLife().run(quiet.fs()))
	calls := int(quiet.calls.Load())
	step := 1
	if *cases == 0 {
		step = 11
	}
	n, damaged := 0, 0
	for k := 0; k < calls; k += step {
		for i, f := range []fault{{k, errNoSpace, false}, {k + 1, errNoSpace, true}, {k + 2, errIO, false}, {k + 3, errIO, true}} {
			damaged += requireSurvives(t, f, k*4+i)
			n++
		}
	}
	t.Logf("%d faults in a life of %d calls; %d states were damaged by them and known to be", n, calls, damaged)
	require.Less(t, damaged, n/20)
}

// requireSurvives returns how many of the two disks it leaves are damaged.
func requireSurvives(t *testing.T, f fault, seed int) (damaged int) {
	t.Helper()
	disk := newFaults(f.k, f.err)
	disk.stays, disk.reads = f.stays, true
	disk.arm()
	l := newLife()
	what := fmt.Sprintf("%v at call %d, for good: %t (go test ./store/pebblestore -run TestFaults -cases 1)", f.err, f.k, f.stays)
	err := l.run(disk.fs())
	require.NotErrorIs(t, err, errWrong, what)
	if err != nil {
		require.ErrorContains(t, err, "s", what)
		require.True(t, disk.hit.Load(), "%s: an error without a fault: %v", what, err)
	}
	// The process lives on and tries again, or the power goes.
	for _, fs := range []vfs.FS{disk.after(seed), disk.mem} {
		err := l.check(fs)
		if errors.Is(err, store.ErrCorrupt) {
			damaged++
			continue
		}
		require.NoError(t, err, what)
	}
	return damaged
}
