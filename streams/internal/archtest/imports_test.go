package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImportsFollowTheLadder: what is below never knows what is above.
func TestImportsFollowTheLadder(t *testing.T) {
	t.Parallel()
	for _, s := range house(t) {
		if s.test || s.room == "streams/internal/archtest" {
			continue // tests may reach up to build what they test
		}
		room, rung, ok := roomOf(s.room)
		if !ok {
			t.Errorf("%s: the folder %s is no room of the ladder; add it to rules_test.go and streams/DESIGN.md", s.name, s.room)
			continue
		}
		for _, imp := range s.imports() {
			target, found := strings.CutPrefix(imp, module)
			if !found {
				continue
			}
			other, above, known := roomOf(target)
			if known && above >= rung && other != room {
				t.Errorf("%s: %s may not import %s, which is not below it", s.name, room, other)
			}
		}
	}
}

// TestHeavyDependenciesHaveOneRoom keeps Pebble, Prometheus and the rest replaceable.
func TestHeavyDependenciesHaveOneRoom(t *testing.T) {
	t.Parallel()
	for _, s := range house(t) {
		if s.test {
			continue
		}
		room, _, _ := roomOf(s.room)
		for _, imp := range s.imports() {
			for dep, only := range onlyIn {
				if strings.HasPrefix(imp, dep) && room != only && !exampleClient(room, dep) {
					t.Errorf("%s imports %s, which only %s may", s.name, imp, only)
				}
			}
		}
	}
}

// exampleClient: the producer example shows the plain client, credentials and all.
func exampleClient(room, dep string) bool {
	return (room == "examples" || room == "integration") && dep == "github.com/twmb/franz-go/pkg/sasl"
}

// listed is what the go command says of one package.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// TestPureRoomsReachNoClient: no Kafka client, direct or not, in the logic.
func TestPureRoomsReachNoClient(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, pure) {
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, "github.com/twmb/franz-go") {
				t.Errorf("%s reaches the client package %s", p.ImportPath, dep)
			}
		}
		for _, no := range []string{"os", "net", "net/http", "log"} {
			if slices.Contains(p.Imports, no) {
				t.Errorf("%s imports %s: it must stay free of files, sockets and output", p.ImportPath, no)
			}
		}
	}
}

func list(t *testing.T, rooms []string) []listed {
	t.Helper()
	args := []string{"list", "-deps=false", "-json=ImportPath,Imports,Deps"}
	for _, r := range rooms {
		args = append(args, module+r)
	}
	cmd := exec.Command("go", args...)
	out, err := cmd.Output()
	require.NoError(t, err)
	var found []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		found = append(found, p)
	}
	require.Len(t, found, len(rooms))
	return found
}
