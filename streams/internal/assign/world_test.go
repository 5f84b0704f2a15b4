package assign_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/topo"
)

// seeds is how many random groups each property is tried on: go test -seeds 100000.
var seeds = flag.Uint64("seeds", 200, "random groups to try")

// eachSeed runs a property on all of them, a few goroutines at a time.
func eachSeed(t *testing.T, property func(t *testing.T, rng *rand.Rand)) {
	t.Parallel()
	const lanes = 8
	for lane := range uint64(lanes) {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			for seed := lane; seed < *seeds; seed += lanes {
				property(t, rand.New(rand.NewPCG(seed, 7)))
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// world is a group over time. Between two assignments whatever was to be restored
// is restored.
type world struct {
	rng     *rand.Rand
	opt     assign.Options
	tasks   []assign.Task
	subs    int
	members map[string]*citizen
	born    int
}

// citizen is one member. Two may share a process: its state and its tags.
type citizen struct {
	process string
	active  []topo.TaskID
	standby []topo.TaskID
	disk    map[topo.TaskID]int64
	tags    map[string]string
}

func newWorld(rng *rand.Rand, opt assign.Options) *world {
	w := &world{rng: rng, opt: opt, subs: 1 + rng.IntN(4), members: make(map[string]*citizen)}
	for sub := range w.subs {
		w.tasks = append(w.tasks, tasks(int32(sub), int32(1+rng.IntN(8)), rng.IntN(3) > 0)...)
	}
	for i := range w.tasks {
		w.tasks[i].End = int64(rng.IntN(100_000))
	}
	w.join()
	return w
}

// join adds a process, which has one thread or two.
func (w *world) join() {
	w.born++
	process := fmt.Sprintf("p%d", w.born)
	zone := map[string]string{"zone": fmt.Sprintf("z%d", w.rng.IntN(3))}
	disk := make(map[topo.TaskID]int64)
	for thread := range 1 + w.rng.IntN(5)/4 {
		w.members[fmt.Sprintf("%s-%d", process, thread)] = &citizen{process: process, disk: disk, tags: zone}
	}
}

// leave takes a process away for good, and reports whether it could.
func (w *world) leave() bool {
	all := w.processes()
	if len(all) < 2 {
		return false
	}
	gone := all[w.rng.IntN(len(all))]
	maps.DeleteFunc(w.members, func(_ string, c *citizen) bool { return c.process == gone })
	return true
}

// forget is a process that was out of the group and has only its disk.
func (w *world) forget() {
	all := w.processes()
	gone := all[w.rng.IntN(len(all))]
	for _, c := range w.members {
		if c.process == gone {
			c.active, c.standby = nil, nil
		}
	}
}

func (w *world) processes() (out []string) {
	for _, c := range w.members {
		out = append(out, c.process)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// change is what may happen to a group.
func (w *world) change() {
	for i := range w.tasks {
		w.tasks[i].End += int64(w.rng.IntN(30_000))
	}
	switch w.rng.IntN(4) {
	case 0:
		if w.leave() {
			return
		}
	case 1:
		w.forget()
		return
	}
	if len(w.members) < 6 {
		w.join()
	}
}

// ids are the members, sorted.
func (w *world) ids() []string { return slices.Sorted(maps.Keys(w.members)) }

// assign asks with all in a random order, now and then twice: the order must not
// matter.
func (w *world) assign(t *testing.T) assign.Result {
	t.Helper()
	first := assign.Assign(w.shuffled(), w.mixed(), w.opt)
	if w.rng.IntN(4) == 0 {
		require.Equal(t, first, assign.Assign(w.shuffled(), w.mixed(), w.opt), "order must not matter")
	}
	w.check(t, first)
	return first
}

func (w *world) shuffled() (out []assign.Member) {
	for id, c := range w.members {
		m := member(c.process, c.active...)
		m.ID, m.Tags, m.Offsets = id, c.tags, maps.Clone(c.disk)
		for _, other := range w.members {
			if other.process == c.process {
				for _, x := range other.active { // runs, so that nobody asks for its offsets
					delete(m.Offsets, x)
				}
				for _, x := range other.standby { // the other thread's to say
					if other != c {
						delete(m.Offsets, x)
					}
				}
			}
		}
		out = append(out, m)
	}
	w.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (w *world) mixed() []assign.Task {
	out := slices.Clone(w.tasks)
	w.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// check is what holds of every assignment.
func (w *world) check(t *testing.T, got assign.Result) {
	t.Helper()
	require.Len(t, got.Members, len(w.members))
	seen, copies := make(map[topo.TaskID]bool), make(map[string]bool)
	for id, a := range got.Members {
		require.True(t, slices.IsSortedFunc(a.Active, topo.TaskID.Compare))
		require.True(t, slices.IsSortedFunc(a.Standby, topo.TaskID.Compare))
		for _, x := range a.Active {
			require.False(t, seen[x], "task %s twice", x)
			seen[x] = true
		}
		for _, x := range slices.Concat(a.Active, a.Standby) {
			at := w.members[id].process + "/" + x.String()
			require.False(t, copies[at], "%s: a task and a copy of it, or two copies", at)
			copies[at] = true
		}
	}
	require.Len(t, seen, len(w.tasks))
}

// even checks that nobody has two tasks more than somebody else.
func (w *world) even(t *testing.T, got assign.Result) {
	t.Helper()
	loads := make(map[string]map[string]int)
	for id, a := range got.Members {
		for _, x := range w.tasks {
			if slices.Contains(a.Active, x.ID) {
				for _, group := range []string{"all", fmt.Sprintf("stateful %v", x.Stateful), fmt.Sprintf("sub-topology %d", x.ID.Subtopology)} {
					if loads[group] == nil {
						loads[group] = make(map[string]int)
					}
					loads[group][id]++
				}
			}
		}
	}
	for group, load := range loads {
		least, most := math.MaxInt, 0
		for id := range w.members {
			least, most = min(least, load[id]), max(most, load[id])
		}
		require.LessOrEqual(t, most-least, 1, "%s: %v", group, load)
	}
}

// adopt lets all members do what they are told, up to the end of every changelog,
// while the tasks go on: what nobody keeps any more falls behind.
func (w *world) adopt(got assign.Result) {
	for i := range w.tasks {
		w.tasks[i].End++
	}
	for id, c := range w.members {
		c.active, c.standby = got.Members[id].Active, got.Members[id].Standby
		for _, x := range w.tasks {
			if x.Stateful && (slices.Contains(c.active, x.ID) || slices.Contains(c.standby, x.ID)) {
				c.disk[x.ID] = x.End
			}
		}
	}
}

// owners says who has what.
func (w *world) owners() map[topo.TaskID]string {
	out := make(map[topo.TaskID]string)
	for id, c := range w.members {
		for _, x := range c.active {
			out[x] = id
		}
	}
	return out
}

// moved counts the tasks that are not where they were.
func moved(before, after map[topo.TaskID]string) (n int) {
	for x, at := range before {
		if after[x] != at {
			n++
		}
	}
	return n
}

// fewest is how many tasks must move at least so that all is even, by trying every
// way to hand out the shares.
func (w *world) fewest() int {
	o := &optimum{ids: w.ids(), owners: w.owners(), best: -1}
	groups := make(map[int32][]assign.Task)
	for _, x := range w.tasks {
		groups[x.ID.Subtopology] = append(groups[x.ID.Subtopology], x)
	}
	for _, sub := range slices.Sorted(maps.Keys(groups)) {
		o.groups = append(o.groups, groups[sub])
	}
	o.load = make([][2]int, len(o.ids))
	o.group(0, 0)
	return len(o.owners) - o.best
}

// optimum searches by brute force.
type optimum struct {
	ids    []string
	owners map[topo.TaskID]string
	groups [][]assign.Task
	load   [][2]int // stateful and stateless tasks by member
	best   int      // the most tasks that can stay
}

func (o *optimum) group(g, stay int) {
	if g == len(o.groups) {
		if o.even() {
			o.best = max(o.best, stay)
		}
		return
	}
	o.member(g, 0, len(o.groups[g])%len(o.ids), stay)
}

// member tries its even part of a group, and one more while there is a rest.
func (o *optimum) member(g, m, rest, stay int) {
	if m == len(o.ids) {
		if rest == 0 {
			o.group(g+1, stay)
		}
		return
	}
	has, class := 0, 0
	for _, x := range o.groups[g] {
		if o.owners[x.ID] == o.ids[m] {
			has++
		}
		if !x.Stateful {
			class = 1
		}
	}
	for extra := range min(rest, 1) + 1 {
		n := len(o.groups[g])/len(o.ids) + extra
		o.load[m][class] += n
		o.member(g, m+1, rest-extra, stay+min(has, n))
		o.load[m][class] -= n
	}
}

func (o *optimum) even() bool {
	level := func(of func([2]int) int) bool {
		by := func(x, y [2]int) int { return cmp.Compare(of(x), of(y)) }
		return of(slices.MaxFunc(o.load, by))-of(slices.MinFunc(o.load, by)) <= 1
	}
	return level(func(l [2]int) int { return l[0] }) && level(func(l [2]int) int { return l[1] }) &&
		level(func(l [2]int) int { return l[0] + l[1] })
}
