package oracle

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// vector is one golden scenario: a program, its input and what Kafka Streams did.
type vector struct {
	Name    string         `json:"name"`
	Config  map[string]any `json:"config"`
	Program []op           `json:"program"`
	Steps   []step         `json:"steps"`
	Types   map[string]typ `json:"types"`
	Tags    []string       `json:"tags"`
	Expect  expectation    `json:"expect"`
}

type typ struct {
	Kind, Key, Value string
}

type op struct {
	ID           string        `json:"id"`
	Op           string        `json:"op"`
	In           string        `json:"in"`
	With         string        `json:"with"`
	Topic        string        `json:"topic"`
	Topics       []string      `json:"topics"`
	Key          string        `json:"key"`
	Value        string        `json:"value"`
	Name         string        `json:"name"`
	Fn           fn            `json:"fn"`
	Pred         fn            `json:"pred"`
	Reducer      fn            `json:"reducer"`
	Init         fn            `json:"init"`
	Adder        fn            `json:"adder"`
	Merger       fn            `json:"merger"`
	Joiner       fn            `json:"joiner"`
	Window       *window       `json:"window"`
	Materialized *materialized `json:"materialized"`
	flowOp
	stateOp
	tableOp

	// Fields of programs that this slice cannot express yet.
	TimestampExtractor string `json:"timestamp_extractor"`
	Emit               string `json:"emit"`
}

type window struct {
	Type      string `json:"type"`
	SizeMS    int64  `json:"size_ms"`
	AdvanceMS int64  `json:"advance_ms"`
	GapMS     int64  `json:"gap_ms"`
	BeforeMS  int64  `json:"before_ms"`
	AfterMS   int64  `json:"after_ms"`
	GraceMS   int64  `json:"grace_ms"`
	// DifferenceMS is that of sliding windows.
	DifferenceMS int64 `json:"difference_ms"`
}

type materialized struct {
	Store       string `json:"store"`
	Type        string `json:"type"`
	Caching     *bool  `json:"caching"`
	Logging     *bool  `json:"logging"`
	RetentionMS int64  `json:"retention_ms"`
	HistoryMS   int64  `json:"history_ms"`
	LRU         int64  `json:"lru"`
}

type step struct {
	Pipe    *pipe           `json:"pipe"`
	Advance *int64          `json:"advance_wall_clock_ms"`
	Query   json.RawMessage `json:"query"`
}

type pipe struct {
	Topic   string      `json:"topic"`
	Key     literal     `json:"key"`
	Value   literal     `json:"value"`
	KeyHex  *string     `json:"key_hex"`
	ValHex  *string     `json:"value_hex"`
	TS      int64       `json:"ts"`
	Headers [][]literal `json:"headers"`
}

type expectation struct {
	BuildError *json.RawMessage     `json:"build_error"`
	Steps      []outcome            `json:"steps"`
	Stores     map[string]content   `json:"stores"`
	Describe   string               `json:"describe"`
	Topics     []internalTopic      `json:"internal_topics"`
	Changelogs map[string][]written `json:"changelogs"`
}

type outcome struct {
	Out     []written        `json:"out"`
	Dropped int              `json:"dropped"`
	Error   *json.RawMessage `json:"error"`
}

type written struct {
	Topic   string      `json:"topic"`
	Key     literal     `json:"key"`
	Value   literal     `json:"value"`
	KeyHex  *string     `json:"key_hex"`
	ValHex  *string     `json:"value_hex"`
	TS      int64       `json:"ts"`
	Headers [][]literal `json:"headers"`
}

type content struct {
	Type    string    `json:"type"`
	Entries []written `json:"entries"`
}

type internalTopic struct {
	Name   string            `json:"name"`
	Kind   string            `json:"kind"`
	Config map[string]string `json:"config"`
}

func hexBytes(s string) ([]byte, error) { return hex.DecodeString(s) }

// sharedVectors is where a checkout beside the project keeps all vectors.
const sharedVectors = "../../../../shared/oracle/vectors"

// vectors loads everything there is to replay.
func vectors(t *testing.T) []vector {
	t.Helper()
	if _, err := os.Stat(sharedVectors); err != nil {
		t.Logf("%s is absent (it is not part of the project): only the vectors in testdata are replayed", sharedVectors)
		return load(t, "testdata")
	}
	return append(load(t, filepath.Join(sharedVectors, "catalogue")), load(t, filepath.Join(sharedVectors, "fuzz"))...)
}

func load(t *testing.T, dir string) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json*"))
	require.NoError(t, err)
	require.NotEmpty(t, files, dir)
	var out []vector
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		docs := []string{string(b)}
		if strings.HasSuffix(f, ".jsonl") {
			docs = strings.Split(strings.TrimSpace(string(b)), "\n")
		}
		for _, d := range docs {
			var v vector
			require.NoError(t, json.Unmarshal([]byte(d), &v), f)
			out = append(out, v)
		}
	}
	return out
}
