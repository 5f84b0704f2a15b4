package statedir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIdentity: what the directory learns, and whom it then refuses.
func TestIdentity(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	start := func(application, instance, cluster string) error {
		d, err := Open(t.Context(), Options{Dir: root, ApplicationID: application, InstanceID: instance})
		if err != nil {
			return err
		}
		bound := d.BindCluster(cluster)
		require.NoError(t, d.Close())
		return bound
	}
	requireForeign := func(err error, what, advice string) {
		t.Helper()
		var foreign *ForeignError
		require.ErrorAs(t, err, &foreign)
		require.Equal(t, what, foreign.What)
		require.ErrorContains(t, err, advice)
		require.ErrorContains(t, err, filepath.Join(root, "app"))
	}
	path := filepath.Join(root, "app", identityName)
	require.NoError(t, start("app", "", ""))
	require.NoError(t, start("app", "orders-0", "cluster-1"))
	require.NoError(t, start("app", "", ""), "who does not know is not refused")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.JSONEq(t, `{"format":1,"applicationId":"app","clusterId":"cluster-1","instanceId":"orders-0"}`, string(data))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fileMode, info.Mode().Perm())

	requireForeign(start("app", "orders-1", "cluster-1"), "instance", "volumeClaimTemplates")
	requireForeign(start("app", "orders-0", "cluster-2"), "cluster", "Config.Brokers")
	require.NoError(t, start("app", "orders-0", "cluster-1"), "a refused start changes nothing")
	require.NoError(t, start("app", "payments-3", "cluster-1"), "another set: it was renamed")
	require.NoError(t, start("app", "orders-7c9f-x2x", "cluster-1"), "a Deployment's pod")

	require.NoError(t, os.Rename(filepath.Join(root, "app"), filepath.Join(root, "copied")))
	_, err = Open(t.Context(), Options{Dir: root, ApplicationID: "copied"})
	var foreign *ForeignError
	require.ErrorAs(t, err, &foreign)
	require.Equal(t, "application", foreign.What)
	require.ErrorContains(t, err, `"app"`)
	require.NoError(t, os.Rename(filepath.Join(root, "copied"), filepath.Join(root, "app")))

	require.NoError(t, os.WriteFile(path, []byte(`{"format":2}`), 0o600))
	requireForeign(start("app", "", ""), "format", "newer release")
	require.NoError(t, os.WriteFile(path, []byte(`{torn`), 0o600))
	require.ErrorContains(t, start("app", "", ""), path)
	require.NoError(t, os.Remove(path))
	require.NoError(t, start("app", "orders-5", "cluster-9"), "removing the file is consent")
}

func TestOtherOrdinal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		theirs, ours string
		want         bool
	}{
		{"a-0", "a-1", true},
		{"a-b-10", "a-b-1", true},
		{"a-0", "a-0", false},
		{"a-0", "b-1", false},
		{"", "a-1", false},
		{"a-0", "", false},
		{"a-x", "a-1", false},
		{"0", "1", false},
	} {
		require.Equal(t, c.want, otherOrdinal(c.theirs, c.ours), "%q and %q", c.theirs, c.ours)
	}
}
