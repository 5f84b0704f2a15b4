package golden_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/storetest/golden"
)

// rooms says where the cases of each kind are tested.
func rooms() map[string]string {
	return map[string]string{
		"serde.string": "streams/serde", "serde.int": "streams/serde", "serde.long": "streams/serde",
		"serde.short": "streams/serde", "serde.double": "streams/serde", "serde.float": "streams/serde",
		"serde.boolean": "streams/serde", "serde.uuid": "streams/serde", "serde.list.string": "streams/serde",
		"serde.list.int": "streams/serde", "murmur2": "streams/serde",
		"windowed.time.key": "streams/serde", "windowed.session.key": "streams/serde",
		"store.window.key": "store/keyenc", "store.session.key": "store/keyenc", "fk.combinedkey": "store/keyenc",
		"murmur3_128": "store/format", "changed": "store/format", "fk.subscription": "store/format",
		"fk.response": "store/format", "recordcontext": "store/format", "suppress.value": "store/format",
		"store.value_timestamp_headers": "store/format", "position": "store/format",
		"commit.metadata":    "streams/internal/task",
		"group.subscription": "streams/internal/assign/wire", "group.assignment": "streams/internal/assign/wire",
	}
}

// TestGoldenKindsAreTested: a kind that nobody tests would pass in silence.
func TestGoldenKindsAreTested(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, c := range golden.Cases(t) {
		require.Contains(t, rooms(), c.Kind, "%s, case %d", c.File, c.Index)
		require.NotNil(t, c.Bytes(t))
		counts[c.Kind]++
	}
	total := 0
	for kind, n := range counts {
		t.Logf("golden: %3d cases of %s, tested in %s", n, kind, rooms()[kind])
		total += n
	}
	t.Logf("golden: %d cases in all", total)
	require.GreaterOrEqual(t, len(counts), 25)
}

func TestGoldenCapturesAreRead(t *testing.T) {
	t.Parallel()
	found := golden.Captures(t)
	require.GreaterOrEqual(t, len(found), 8)
	for _, c := range found {
		require.NotEmpty(t, c.ApplicationID, c.File)
		for _, name := range c.TopicNames() {
			require.Positive(t, c.Topics[name].Partitions)
		}
	}
}

// TestGoldenFolder: a folder of more fixtures is read beside the others.
func TestGoldenFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "encodings-more.json"),
		[]byte(`[{"kind":"mine","hex":"00ff","value":7}]`), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "captures"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "captures", "x.json"), []byte(`{"topology":"mine",
		"topics":{"t":{"partitions":1,"records":[{"timestamp":5,"key":"61","value":null}]}}}`), 0o600))
	t.Setenv(golden.Variable, dir)

	cases := golden.Cases(t, "mine")
	require.Len(t, cases, 1)
	require.Equal(t, []byte{0, 0xff}, cases[0].Bytes(t))
	var in struct{ Value int }
	cases[0].Decode(t, &in)
	require.Equal(t, 7, in.Value)

	all := golden.Captures(t)
	last := all[len(all)-1]
	require.Equal(t, "mine", last.Topology)
	key, value := last.Topics["t"].Records[0].Bytes(t)
	require.Equal(t, "a", string(key))
	require.Nil(t, value)
}

// Tests range over all cases of the kinds they know.
func ExampleCases() {
	test := func(t *testing.T) {
		for _, c := range golden.Cases(t, "serde.long") {
			var in struct{ Value string }
			c.Decode(t, &in)
			fmt.Println(in.Value, c.Bytes(t))
		}
	}
	_ = test
	// Output:
}
