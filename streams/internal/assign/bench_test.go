package assign_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/streams/internal/assign"
)

// BenchmarkAssign is a member more for a group that runs: what a leader thinks while
// the group waits. All of the newcomer's state is still to be restored.
func BenchmarkAssign(b *testing.B) {
	for _, size := range []struct{ members, subs, partitions int }{{3, 4, 12}, {20, 5, 100}, {100, 8, 250}} {
		b.Run(fmt.Sprintf("%d members, %d tasks", size.members, size.subs*size.partitions), func(b *testing.B) {
			var all []assign.Task
			for sub := range size.subs {
				all = append(all, tasks(int32(sub), int32(size.partitions), sub%3 > 0)...)
			}
			var members []assign.Member
			for i := range size.members {
				members = append(members, member(fmt.Sprintf("m%03d", i)))
			}
			opt := assign.Options{AcceptableLag: 10_000, MaxWarmups: 2, Standbys: 1}
			before := assign.Assign(members, all, opt).Members
			for i := range members {
				members[i].Active = before[members[i].ID].Active
			}
			members = append(members, member("newcomer"))
			for i := range all {
				all[i].End = 1 << 30
			}
			for b.Loop() {
				assign.Assign(members, all, opt)
			}
		})
	}
}
