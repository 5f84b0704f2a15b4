package group_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/group"
)

// TestScaledAway: the pods with the highest ordinals go first.
func TestScaledAway(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pod, replicas string
		away          bool
	}{
		{"app-0", "1\n", false}, {"app-2", "3", false}, {"app-3", "3", true}, {"app-10", " 9 ", true},
		{"my-app-1", "0", true}, {"app-2-1", "2", false},
	} {
		away, err := group.ScaledAway(test.pod, test.replicas)
		require.NoError(t, err)
		require.Equal(t, test.away, away, "%s of %s", test.pod, test.replicas)
	}
	for _, bad := range [][2]string{{"app-0", ""}, {"app-0", "-1"}, {"app-0", "many"}, {"app-x", "3"}, {"app", "3"}, {"", "3"}, {"app-", "3"}} {
		_, err := group.ScaledAway(bad[0], bad[1])
		require.Error(t, err, "%q", bad)
	}
}
