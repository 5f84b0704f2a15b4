// Package k8s_test makes go test ./k8s/... mean all of k8s: the rescue tool and the
// checks of the manifests are modules of their own, because client-go and kustomize
// must not be dependencies of whoever uses the library.
package k8s_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	_ "github.com/millrace/millrace/streams/streamsprom" // what dashboards are checked against
)

// TestModules runs the tests of both.
func TestModules(t *testing.T) {
	t.Parallel()
	remember(t)
	for _, module := range []string{"rescue", "test"} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			// -count=1: the manifests are outside of the module, so go would not notice
			// that they have changed.
			args := []string{"test", "-C", module, "-count=1"}
			if testing.Short() {
				args = append(args, "-short")
			}
			out, err := exec.CommandContext(t.Context(), "go", append(args, "./...")...).CombinedOutput()
			require.NoError(t, err, string(out))
			t.Log(string(out))
		})
	}
}

// remember looks at every file of k8s, so that go runs this test anew where one of them
// has changed, and not only where this one has.
func remember(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		_, err = os.Stat(path)
		return err
	}))
}
