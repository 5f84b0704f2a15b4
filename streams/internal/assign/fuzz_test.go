package assign_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/millrace/millrace/streams/internal/assign"
	"github.com/millrace/millrace/streams/internal/topo"
)

// FuzzAssign: whatever members say about themselves, every task gets one owner, and
// nobody a copy of what its own process runs. Sums, ends and claims are untrusted.
func FuzzAssign(f *testing.F) {
	f.Add([]byte("\x03\x02\x01some bytes that stand for members, tasks, claims and sums"))
	f.Add(binary.BigEndian.AppendUint64([]byte{1, 1, 0, 0, 0, 0, 0}, 1<<63-1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &feed{data}
		w := &world{
			members: make(map[string]*citizen),
			opt:     assign.Options{AcceptableLag: r.number(), MaxWarmups: int(r.byte() % 4), Standbys: int(r.byte() % 4)},
		}
		var all []assign.Task
		for sub := range int32(1 + r.byte()%3) {
			all = append(all, tasks(sub, int32(1+r.byte()%5), r.byte()%2 == 0)...)
		}
		var members []assign.Member
		for i := range 1 + r.byte()%4 {
			m := member(fmt.Sprintf("p%d", r.byte()%3))
			w.members[fmt.Sprintf("m%d", i)] = &citizen{process: string(m.Process[:])}
			m.ID, m.Offsets = fmt.Sprintf("m%d", i), make(map[topo.TaskID]int64)
			for range r.byte() % 8 {
				id := all[int(r.byte())%len(all)].ID
				if r.byte()%2 == 0 {
					m.Active = append(m.Active, id)
				} else {
					m.Offsets[id] = r.number()
				}
			}
			members = append(members, m)
		}
		for i := range all {
			all[i].End = r.number()
			if r.byte()%8 == 0 {
				all[i].End = -1
			}
		}
		w.tasks = all
		w.check(t, assign.Assign(members, all, w.opt))
	})
}

// feed deals out bytes; there are zeros when it is empty.
type feed struct{ data []byte }

func (f *feed) byte() byte {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return b
}

// number is not negative, and any size.
func (f *feed) number() int64 {
	n := uint64(f.byte())
	for range n % 9 {
		n = n<<8 | uint64(f.byte())
	}
	return int64(n >> 1)
}
