package integration_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
)

// TestMainJob: the example as a user runs it, on this broker. It judges itself.
func TestMainJob(t *testing.T) {
	t.Parallel()
	exe := filepath.Join(t.TempDir(), "useractivity")
	goCommand(t, root(t), "build", "-o", exe, "./examples/useractivity")
	app := unique(t)
	run := exec.CommandContext(t.Context(), exe, "-bootstrap", strings.Join(kafka(t).Addrs, ","),
		"-application", app, "-events", "20000", "-state", t.TempDir())
	out, err := run.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
	require.Contains(t, string(out), "Everything is equal.")

	admin := kadm.NewClient(client(t))
	for _, name := range []string{"per-minute-repartition", "per-minute-changelog", "sessions-changelog", "profiles-changelog"} {
		all, err := admin.ListTopics(t.Context(), app+"-"+name)
		require.NoError(t, err)
		require.NoError(t, all[app+"-"+name].Err, "named as Kafka Streams names it")
	}
}
