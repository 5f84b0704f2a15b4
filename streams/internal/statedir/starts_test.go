package statedir

import (
	"flag"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// starts is how many processes want one directory at once.
var starts = flag.Int("starts", 24, "processes that start on one state directory at once in TestSimultaneousStarts")

// TestSimultaneousStarts: of many processes that start at the same time exactly one
// gets the directory, and the others name it. When it is killed, the next round has
// one owner again. The whole: go test ./streams/internal/statedir -run Simultaneous -starts 500
func TestSimultaneousStarts(t *testing.T) {
	t.Parallel()
	n := *starts
	if testing.Short() {
		n = min(n, 8)
	}
	dir := t.TempDir()
	for range 2 {
		all := make([]process, n)
		var started sync.WaitGroup
		for i := range all {
			started.Go(func() { all[i] = startHolder(t, dir) })
		}
		started.Wait()
		var owner *process
		for i := range all {
			if all[i].line == "locked" {
				require.Nil(t, owner, "two owners")
				owner = &all[i]
			}
		}
		require.NotNil(t, owner, "nobody got it")
		for i := range all {
			if &all[i] != owner {
				require.Error(t, all[i].cmd.Wait())
				require.True(t, strings.Contains(all[i].line, "process "+pid(*owner)+" "), "%s instead of process %s", all[i].line, pid(*owner))
			}
		}
		require.NoError(t, owner.cmd.Process.Kill())
		require.Error(t, owner.cmd.Wait())
	}
}
