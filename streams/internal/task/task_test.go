package task_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

// TestTranscripts plays the scripts in testdata: each command is a call, what
// follows is what the operators saw. Run with -rewrite to write them anew.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := &session{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
				f := strings.Fields(line)
				err := s.run(f[0], f[1:])
				for _, l := range s.fake.log {
					fmt.Fprintln(&out, l)
				}
				s.fake.log = nil
				if err != nil {
					fmt.Fprintln(&out, "error:", err)
				}
			}
			return out.String()
		})
	})
}

func newTask(t testing.TB, f *fake) *task.Task {
	tk, err := task.New(topo.TaskID{Subtopology: 2}, f.topics, f, f, task.Options{})
	require.NoError(t, err)
	return tk
}

// TestErrorsHaveThePosition, the operator and no payload.
func TestErrorsHaveThePosition(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	tk := newTask(t, f)
	require.NoError(t, tk.Add("in", []task.Raw{{Topic: "in", Offset: 42, Key: []byte("secret"), Value: []byte("bad")}}))
	_, err := tk.Process()
	require.EqualError(t, err, "task 2_0: in/0 offset 42: SOURCE-0 main.go:7: decode the value: no number")
	var at *task.Error
	require.ErrorAs(t, err, &at)
	require.EqualValues(t, 42, at.Offset)
	var decode *task.DecodeError
	require.ErrorAs(t, err, &decode)
}

// TestPanicsAreErrors with the line that panicked.
func TestPanicsAreErrors(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	tk := newTask(t, f)
	require.NoError(t, tk.Add("in", []task.Raw{{Topic: "in", Value: []byte("panic")}}))
	_, err := tk.Process()
	require.ErrorContains(t, err, "kit_test.go:")
	require.ErrorContains(t, err, "panic: boom")
	var p *task.PanicError
	require.ErrorAs(t, err, &p)
	require.Contains(t, string(p.Stack), "kit_test.go")
	require.Equal(t, 1, tk.Buffered("in"), "the record is not done")
}

// TestRuntimePanicsUnwrap, in flushes and punctuators too.
func TestRuntimePanicsUnwrap(t *testing.T) {
	t.Parallel()
	var none map[string]int
	f := &fake{topics: []string{"in"}}
	f.flush = []func() error{func() error { none["x"] = 1; return nil }}
	f.punctuators = []task.Punctuator{{Call: func(int64) error { panic(errFull) }}}
	tk := newTask(t, f)
	err := tk.Flush()
	require.ErrorContains(t, err, "task 2_0: ")
	require.ErrorContains(t, err, "task_test.go:")
	require.NoError(t, tk.Add("in", []task.Raw{{Topic: "in", Value: []byte("v")}}))
	_, err = tk.Process()
	require.ErrorIs(t, err, errFull)
}

func TestUnknownTopics(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	_, err := task.New(topo.TaskID{}, []string{"other"}, f, f, task.Options{})
	require.ErrorContains(t, err, `no operator reads the topic "other"`)
	tk := newTask(t, f)
	require.Equal(t, topo.TaskID{Subtopology: 2}, tk.ID())
	require.Error(t, tk.Add("other", make([]task.Raw, 1)))
	require.Error(t, tk.Resume("other", 0, ""))
	require.Error(t, tk.Pass("other", 1))
	require.Zero(t, tk.Buffered("other"))
	require.EqualValues(t, -1, tk.Position("other"))
}

func TestLinkingMayFail(t *testing.T) {
	t.Parallel()
	_, err := task.New(topo.TaskID{}, nil, broken{}, &fake{}, task.Options{})
	require.ErrorIs(t, err, errFull)
}

type broken struct{}

func (broken) Link(topo.TaskID, task.Runtime) (*task.Linked, error) { return nil, errFull }

// TestHeadIsTheTimeOfTheNextRecord.
func TestHeadIsTheTimeOfTheNextRecord(t *testing.T) {
	t.Parallel()
	tk := newTask(t, &fake{topics: []string{"in", "other"}})
	_, ok := tk.Head()
	require.False(t, ok)
	require.NoError(t, tk.Add("in", []task.Raw{{Time: 9}}))
	require.NoError(t, tk.Add("other", []task.Raw{{Time: 4}}))
	at, ok := tk.Head()
	require.True(t, ok)
	require.EqualValues(t, 4, at)
}

// TestDueIsTheNextWallClockPunctuation.
func TestDueIsTheNextWallClockPunctuation(t *testing.T) {
	t.Parallel()
	f := &fake{topics: []string{"in"}}
	_, ok := newTask(t, f).Due()
	require.False(t, ok)
	f.every(task.WallClock, 100)
	f.every(task.WallClock, 30)
	f.every(task.StreamTime, 1)
	tk := newTask(t, f)
	require.NoError(t, tk.Punctuate(1000))
	at, ok := tk.Due()
	require.True(t, ok)
	require.EqualValues(t, 1030, at)
}

// TestProcessAllocatesNothing. Not parallel, because others would be counted.
func TestProcessAllocatesNothing(t *testing.T) {
	l := &task.Linked{Entries: map[string]task.Entry{}, StreamTime: func(int64) {}}
	for _, topic := range []string{"a", "b"} {
		l.Entries[topic] = func(*task.Raw) error { return nil }
	}
	tk, err := task.New(topo.TaskID{}, []string{"a", "b"}, linked{l}, &fake{}, task.Options{})
	require.NoError(t, err)
	batch := make([]task.Raw, 2000)
	require.NoError(t, errors.Join(tk.Add("a", batch), tk.Add("b", batch)))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = tk.Process() }))
}

type linked struct{ *task.Linked }

func (l linked) Link(topo.TaskID, task.Runtime) (*task.Linked, error) { return l.Linked, nil }

// BenchmarkProcess is the task's own share of a record's cost.
func BenchmarkProcess(b *testing.B) {
	l := &task.Linked{Entries: map[string]task.Entry{"a": func(*task.Raw) error { return nil }}}
	tk, err := task.New(topo.TaskID{}, []string{"a"}, linked{l}, &fake{}, task.Options{})
	require.NoError(b, err)
	batch := make([]task.Raw, 500)
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := tk.Process(); !ok {
			_ = tk.Add("a", batch)
		}
	}
}
