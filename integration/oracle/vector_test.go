package oracle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// vector is one golden scenario: a program, its input and what Kafka Streams did.
type vector struct {
	Name      string         `json:"name"`
	Config    map[string]any `json:"config"`
	Program   []op           `json:"program"`
	Steps     []step         `json:"steps"`
	Types     map[string]typ `json:"types"`
	Tags      []string       `json:"tags"`
	WallClock int64          `json:"wall_clock_start_ms"`
	Expect    expectation    `json:"expect"`
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

	TimestampExtractor string `json:"timestamp_extractor"`
	Emit               string `json:"emit"`

	counts bool // the aggregate was a count
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
	HistoryMS   *int64 `json:"history_ms"`
	SegmentMS   int64  `json:"segment_ms"`
	LRU         int64  `json:"lru"`
}

type step struct {
	Pipe    *pipe  `json:"pipe"`
	Advance *int64 `json:"advance_wall_clock_ms"`
	Query   *query `json:"query"`
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
	BuildError   *json.RawMessage     `json:"build_error"`
	Steps        []outcome            `json:"steps"`
	Aborted      bool                 `json:"aborted"`
	Dropped      *int                 `json:"dropped_records"`
	Stores       map[string]content   `json:"stores"`
	Describe     string               `json:"describe"`
	Topology     *structure           `json:"topology"`
	Topics       []internalTopic      `json:"internal_topics"`
	Changelogs   map[string][]written `json:"changelogs"`
	Repartitions map[string][]written `json:"repartitions"`
	Branches     map[string][]string  `json:"branch_keys"`
}

type outcome struct {
	Out     []written        `json:"out"`
	Dropped int              `json:"dropped"`
	Error   *json.RawMessage `json:"error"`
	Result  []row            `json:"result"`
}

type written struct {
	Topic   string      `json:"topic"`
	Key     literal     `json:"key"`
	Value   literal     `json:"value"`
	KeyHex  *string     `json:"key_hex"`
	ValHex  *string     `json:"value_hex"`
	TS      *int64      `json:"ts"` // absent where it is the wall clock's
	Headers [][]literal `json:"headers"`
}

type content struct {
	Type    string `json:"type"`
	Entries []row  `json:"entries"`
}

type internalTopic struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Partitions int32             `json:"partitions"`
	Config     map[string]string `json:"config"`
}

func hexBytes(s string) ([]byte, error) { return hex.DecodeString(s) }

// made is the operation that made a handle.
func (v *vector) made(id string) (made op) {
	for _, o := range v.Program {
		if o.ID == id {
			return o
		}
	}
	return op{Window: &window{}}
}

func (v *vector) tagged(tag string) bool {
	for _, have := range v.Tags {
		if have == tag {
			return true
		}
	}
	return false
}

const (
	// oracleEnv names directories with vectors, separated by commas.
	oracleEnv = "MILLRACE_ORACLE"
	// sharedVectors is where a checkout beside the project keeps all vectors.
	sharedVectors = "../../../shared/oracle/vectors"
	// regress has programs that once came out differently.
	regress = "testdata/regress"
)

// vectors loads everything there is to replay.
func vectors(t *testing.T, getenv func(string) string) (all []vector) {
	t.Helper()
	dirs := strings.FieldsFunc(getenv(oracleEnv), func(r rune) bool { return r == ',' })
	if len(dirs) == 0 {
		dirs = []string{sharedVectors}
		if _, err := os.Stat(sharedVectors); err != nil {
			t.Logf("%s is absent (it is not part of the project): only the vectors in testdata are replayed", sharedVectors)
			dirs = []string{"testdata"}
		} else if _, err := os.Stat(regress); err == nil {
			dirs = append(dirs, regress)
		}
	}
	for _, dir := range dirs {
		all = append(all, load(t, strings.TrimSpace(dir))...)
	}
	return all
}

// load reads all files under a directory, which may be a file itself.
func load(t *testing.T, dir string) (out []vector) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".jsonl")) {
			out = append(out, read(t, path)...)
		}
		return err
	}))
	require.NotEmpty(t, out, "no vectors in %s", dir)
	return out
}

// read reads one file, whose objects follow each other, one a line or not.
func read(t *testing.T, path string) (out []vector) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	for dec := json.NewDecoder(bytes.NewReader(b)); ; {
		var v vector
		if err := dec.Decode(&v); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, v)
	}
}
