package streams_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millrace/millrace/streams"
)

// members counts those of the group of wordcount.
func (r *cluster) members() int {
	r.t.Helper()
	groups, err := kadm.NewClient(r.client).DescribeGroups(context.Background(), "wc")
	require.NoError(r.t, err)
	return len(groups["wc"].Members)
}

// TestCloseDecidesAboutThePlace of a static member, and else the configuration.
func TestCloseDecidesAboutThePlace(t *testing.T) {
	t.Parallel()
	replicas := filepath.Join(t.TempDir(), "replicas")
	require.NoError(t, os.WriteFile(replicas, []byte("2\n"), 0o600))
	for name, test := range map[string]struct {
		pod    string
		file   string
		leave  bool
		close  streams.Membership
		remain int
	}{
		"leave":            {"pod-0", "", false, streams.Leave, 0},
		"remain":           {"pod-0", "", true, streams.Remain, 1},
		"as configured":    {"pod-0", "", true, streams.AsConfigured, 0},
		"by default":       {"pod-0", "", false, streams.AsConfigured, 1},
		"scaled away":      {"pod-2", replicas, false, streams.AsConfigured, 0},
		"not scaled away":  {"pod-1", replicas, false, streams.AsConfigured, 1},
		"no such file":     {"pod-2", replicas + "x", false, streams.AsConfigured, 1},
		"no ordinal":       {"pod", replicas, false, streams.AsConfigured, 1},
		"dynamic: remains": {"", "", false, streams.Remain, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCluster(t)
			c := r.config()
			c.InstanceID, c.ReplicasFile, c.LeaveOnClose = test.pod, test.file, test.leave
			app := launch(t, wordcount(), c)
			app.wait("running", func(s streams.Status) bool { return s.State == streams.StateRunning })
			require.Equal(t, 1, r.members())
			require.NoError(t, app.Close(test.close))
			require.NoError(t, app.outcome())
			require.Equal(t, test.remain, r.members())
			require.NoError(t, app.Close(streams.Leave), "again")
		})
	}
}

// TestFencedMemberLeavesNobody: the older of two pods with one name does not take the
// newer one's place away, even if it is to leave.
func TestFencedMemberLeavesNobody(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	c := r.config()
	c.InstanceID, c.LeaveOnClose = "pod-0", true
	first := launch(t, wordcount(), c)
	first.wait("running", func(s streams.Status) bool { return s.State == streams.StateRunning })
	c.StateDir = t.TempDir()
	second := launch(t, wordcount(), c)
	require.ErrorIs(t, first.outcome(), streams.ErrFenced)
	second.wait("all tasks", func(s streams.Status) bool { return s.State == streams.StateRunning && len(s.Tasks) == 6 })
	require.Equal(t, 1, r.members())
	require.NoError(t, second.end())
	require.Zero(t, r.members())
}

func TestCloseNeedsRun(t *testing.T) {
	t.Parallel()
	app, err := streams.New(wordcount(), streams.Config{ApplicationID: "a", Brokers: []string{"localhost:9"}})
	require.NoError(t, err)
	require.ErrorIs(t, app.Close(streams.Leave), streams.ErrNotRunning)
}
