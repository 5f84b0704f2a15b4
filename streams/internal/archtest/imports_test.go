package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
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
	hold(t, followsTheLadder)
}

func followsTheLadder(s source) (faults []string) {
	if s.test || s.room == "streams/internal/archtest" {
		return nil // tests may reach up to build what they test
	}
	room, rung, ok := roomOf(s.room)
	if !ok {
		return []string{fmt.Sprintf("%s: the folder %s is no room of the ladder; add it to rules_test.go and streams/DESIGN.md", s.name, s.room)}
	}
	for _, imp := range s.imports() {
		target, _ := strings.CutPrefix(imp, module)
		other, above, known := roomOf(target)
		if known && above >= rung && other != room {
			faults = append(faults, fmt.Sprintf("%s: %s may not import %s, which is not below it", s.name, room, other))
		}
	}
	return faults
}

// TestHeavyDependenciesHaveOneRoom keeps Pebble, Prometheus and the rest replaceable.
func TestHeavyDependenciesHaveOneRoom(t *testing.T) {
	t.Parallel()
	hold(t, heavyInOneRoom)
}

func heavyInOneRoom(s source) (faults []string) {
	if s.test {
		return nil
	}
	room, _, _ := roomOf(s.room)
	for _, imp := range s.imports() {
		for dep, only := range onlyIn {
			if strings.HasPrefix(imp, dep) && room != only && !plainClient(room, dep) {
				faults = append(faults, fmt.Sprintf("%s imports %s, which only %s may", s.name, imp, only))
			}
		}
	}
	return faults
}

// plainClient: the producer example shows the plain client, credentials and all. And
// the benchmark shows what Pebble can do with nothing around it.
func plainClient(room, dep string) bool {
	return (room == "examples" || room == "integration") && dep == "github.com/twmb/franz-go/pkg/sasl" ||
		room == "integration" && dep == "github.com/cockroachdb/pebble"
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
		for _, fault := range reachesOut(p) {
			t.Error(fault)
		}
	}
}

func reachesOut(p listed) (faults []string) {
	for _, dep := range p.Deps {
		if strings.HasPrefix(dep, "github.com/twmb/franz-go") {
			faults = append(faults, p.ImportPath+" reaches the client package "+dep)
		}
	}
	for _, no := range []string{"os", "net", "net/http", "log"} {
		if slices.Contains(p.Imports, no) {
			faults = append(faults, p.ImportPath+" imports "+no+": it must stay free of files, sockets and output")
		}
	}
	return faults
}

func list(t *testing.T, rooms []string) []listed {
	t.Helper()
	args := []string{"list", "-json=ImportPath,Imports,Deps"}
	for _, r := range rooms {
		args = append(args, module+r)
	}
	out, err := exec.Command("go", args...).Output()
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
