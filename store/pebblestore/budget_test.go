package pebblestore_test

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/pebblestore"
)

// The measured run: go test ./store/pebblestore -run MemoryBudget -budget 1GiB -keys 10000000 -for 5m -v -timeout 60m.
var (
	budgetFlag = flag.String("budget", "256MiB", "memory limit of TestMemoryBudget, e.g. 1GiB")
	keysFlag   = flag.Int("keys", 50_000, "distinct keys of 1 KiB in TestMemoryBudget")
	forFlag    = flag.Duration("for", time.Second, "how long TestMemoryBudget updates them")
	budgetDir  = flag.String("dir", "", "where TestMemoryBudget keeps its state; default: the directory for temporary files")
)

const (
	budgetTasks  = 64
	budgetStores = 3
	valueBytes   = 1024
	// childEnv tells the process that is measured from the one that measures.
	childEnv = "MILLRACE_BUDGET_CHILD"
)

func parseBytes(t testing.TB, s string) int64 {
	t.Helper()
	unit := int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, size
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err, "-budget")
	return n * unit
}

// TestMemoryBudget fills 64 tasks of 3 stores with keys of 1 KiB, updates them
// uniformly as fast as it goes, and watches the memory of the process, which is one
// of its own. The Go heap is told the limit, too, as by GOMEMLIMIT.
func TestMemoryBudget(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of a process is read from /proc, which is not here")
	}
	if os.Getenv(childEnv) != "" {
		measureBudget(t)
		return
	}
	if testing.Short() || raced {
		t.Skip("it takes some seconds, and the memory of an ordinary build")
	}
	limit := parseBytes(t, *budgetFlag)
	args := []string{
		"-test.run=^TestMemoryBudget$", "-test.v", "-test.timeout=0", "-budget", *budgetFlag,
		"-keys", strconv.Itoa(*keysFlag), "-for", forFlag.String(), "-dir", *budgetDir,
	}
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self, args...)
	child.Env = append(os.Environ(), childEnv+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	peak := int64(0)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "peak ") {
			_, err := fmt.Sscanf(line, "peak %d", &peak)
			require.NoError(t, err)
		} else if !strings.HasPrefix(line, "===") {
			t.Log(line)
		}
	}
	require.NoError(t, child.Wait())
	t.Logf("peak of resident memory: %d MiB, limit %d MiB", peak>>20, limit>>20)
	require.Positive(t, peak)
	require.LessOrEqual(t, peak, limit+limit/5)
}

// budgetTask is one task with its stores.
type budgetTask struct {
	db      *pebblestore.DB
	engines []store.Engine
	offset  int64
}

func measureBudget(t *testing.T) {
	limit := parseBytes(t, *budgetFlag)
	debug.SetMemoryLimit(limit)
	dir, err := os.MkdirTemp(*budgetDir, "budget")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	shared := pebblestore.NewShared(limit)
	shared.Expect(budgetTasks)
	tasks := make([]*budgetTask, budgetTasks)
	for i := range tasks {
		tasks[i] = openBudgetTask(t, filepath.Join(dir, strconv.Itoa(i)), shared)
	}
	w := &watch{shared: shared, began: time.Now(), stop: make(chan struct{})}
	var watching sync.WaitGroup
	watching.Go(w.run)

	perStore := max(1, *keysFlag/(budgetTasks*budgetStores))
	inParallel(t, tasks, func(rng *rand.Rand, mine []*budgetTask) error { return fillTasks(rng, mine, perStore) })
	fmt.Printf("filled %d keys in %.0f s\n", perStore*budgetTasks*budgetStores, time.Since(w.began).Seconds())
	until := time.Now().Add(*forFlag)
	inParallel(t, tasks, func(rng *rand.Rand, mine []*budgetTask) error {
		return updateTasks(rng, mine, perStore, until, &w.updates)
	})
	fmt.Printf("updated %d keys, %.0f/s; %d goroutines\n", w.updates.Load(), float64(w.updates.Load())/forFlag.Seconds(), runtime.NumGoroutine())
	close(w.stop)
	watching.Wait()
	fmt.Println("peak", w.peak)
	for _, task := range tasks {
		require.NoError(t, task.db.Close())
	}
	require.NoError(t, shared.Close())
}

func openBudgetTask(t *testing.T, dir string, shared *pebblestore.Shared) *budgetTask {
	db, err := pebblestore.Open(dir, pebblestore.Options{Shared: shared})
	require.NoError(t, err)
	task := &budgetTask{db: db}
	for i := range budgetStores {
		e, err := db.Engine(store.Spec{Name: fmt.Sprint("store", i), Kind: store.KindKeyValue})
		require.NoError(t, err)
		task.engines = append(task.engines, e)
	}
	return task
}

// inParallel gives each worker, one for each processor, its part of the tasks.
func inParallel(t *testing.T, tasks []*budgetTask, work func(*rand.Rand, []*budgetTask) error) {
	t.Helper()
	n := runtime.GOMAXPROCS(0)
	var workers sync.WaitGroup
	for i := range n {
		workers.Go(func() {
			mine := tasks[len(tasks)*i/n : len(tasks)*(i+1)/n]
			if err := work(rand.New(rand.NewPCG(uint64(i), 0)), mine); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	require.False(t, t.Failed())
}

// fillTasks restores every key once, in random order, one task after the other.
func fillTasks(rng *rand.Rand, tasks []*budgetTask, perStore int) error {
	for _, task := range tasks {
		load, err := task.db.Load()
		if err != nil {
			return err
		}
		for s := range budgetStores {
			order := rng.Perm(perStore)
			for len(order) > 0 {
				n := min(len(order), 256)
				muts := make([]store.Mutation, 0, n)
				for _, k := range order[:n] {
					muts = append(muts, store.Mutation{Key: budgetKey(nil, k), Value: budgetValue(rng, nil)})
				}
				order = order[n:]
				task.offset++
				if err := load.Add(fmt.Sprint("store", s), muts, store.Position{"log": task.offset}); err != nil {
					return err
				}
			}
		}
		if err := load.Close(); err != nil {
			return err
		}
	}
	return nil
}

func budgetKey(dst []byte, k int) []byte { return fmt.Appendf(dst[:0], "key-%016d", k) }

// budgetValue does not compress.
func budgetValue(rng *rand.Rand, dst []byte) []byte {
	dst = dst[:0]
	for len(dst) < valueBytes {
		dst = binary.LittleEndian.AppendUint64(dst, rng.Uint64())
	}
	return dst
}

// updateTasks reads and writes random keys, a hundred for each task in turn.
func updateTasks(rng *rand.Rand, tasks []*budgetTask, perStore int, until time.Time, updates *atomic.Int64) error {
	var key, value []byte
	for i := 0; time.Now().Before(until); i++ {
		task := tasks[i%len(tasks)]
		for n := range 100 {
			e := task.engines[n%budgetStores]
			key = budgetKey(key, rng.IntN(perStore))
			old, ok, err := e.Get(key)
			if err != nil || !ok || len(old) != valueBytes {
				return fmt.Errorf("a key is missing: %w", err)
			}
			value = budgetValue(rng, value)
			if err := e.Put(key, value); err != nil {
				return err
			}
		}
		task.offset++
		if err := task.db.Commit(store.Position{"log": task.offset}); err != nil {
			return err
		}
		updates.Add(100)
	}
	return nil
}

// watch looks at the process twice a second and prints a line now and then.
type watch struct {
	shared  *pebblestore.Shared
	began   time.Time
	updates atomic.Int64
	peak    int64
	stop    chan struct{}
}

func (w *watch) run() {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	lines := max(1, int((*forFlag/20).Milliseconds()/500))
	last, then := int64(0), w.began
	for n := 0; ; n++ {
		select {
		case <-w.stop:
			w.peak = max(w.peak, memory("VmHWM"))
			return
		case now := <-tick.C:
			w.peak = max(w.peak, memory("VmHWM"))
			if n%lines == 0 {
				done := w.updates.Load()
				w.print(float64(done-last) / now.Sub(then).Seconds())
				last, then = done, now
			}
		}
	}
}

func (w *watch) print(rate float64) {
	m := w.shared.Metrics()
	var goes runtime.MemStats
	runtime.ReadMemStats(&goes)
	fmt.Printf("%5.0f s %8.0f/s rss %5d MiB go %4d cache %4d memtables %4d loads %4d disk %6d MiB tables %5d open %4d read amp %3d debt %6d MiB stalls %5d\n",
		time.Since(w.began).Seconds(), rate, memory("VmRSS")>>20, (goes.Sys-goes.HeapReleased)>>20, m.BlockCache.Bytes>>20,
		m.Total.MemTableBytes>>20, m.LoadBytes>>20, m.Total.DiskBytes>>20, m.Total.Tables, m.FileCache.Entries,
		m.Total.ReadAmp, m.Total.CompactionDebt>>20, m.Total.Stalls)
}

// memory reads a line of the process's status, in bytes.
func memory(what string) int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}
