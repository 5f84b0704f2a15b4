package task_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/task"
	"github.com/millrace/millrace/streams/internal/topo"
)

var errFull = errors.New("disk full")

// fake is a program and its runtime in one: its operators write down what they
// see. Values with a meaning: bad (undecodable), fail, panic.
type fake struct {
	topics      []string
	punctuators []task.Punctuator
	flush       []func() error
	holders     []task.Holder
	streamTime  int64
	log         []string
}

func (f *fake) Link(topo.TaskID, task.Runtime) (*task.Linked, error) {
	l := &task.Linked{
		Entries: map[string]task.Entry{}, Punctuators: f.punctuators, Flush: f.flush, Holders: f.holders,
		StreamTime: func(ms int64) { f.streamTime = ms },
	}
	for _, topic := range f.topics {
		l.Entries[topic] = f.enter
	}
	return l, nil
}

func (f *fake) enter(r *task.Raw) error {
	switch string(r.Value) {
	case "bad":
		return &task.DecodeError{Operator: "SOURCE-0", Where: "main.go:7", Part: "value", Err: errors.New("no number")}
	case "fail":
		return errFull
	case "panic":
		panic("boom")
	}
	f.note("%s@%d ts=%d k=%s v=%s st=%d", r.Topic, r.Offset, r.Time, r.Key, r.Value, f.streamTime)
	return nil
}

func (f *fake) note(format string, args ...any) { f.log = append(f.log, fmt.Sprintf(format, args...)) }

// every is a punctuator that writes down its calls.
func (f *fake) every(clock task.PunctuationClock, ms int64) {
	f.punctuators = append(f.punctuators, task.Punctuator{
		Clock: clock, Interval: time.Duration(ms) * time.Millisecond,
		Call: func(now int64) error { f.note("tick %s at %d", [...]string{"stream", "wall"}[clock], now); return nil },
	})
}

func (f *fake) Engine(string) (store.Engine, error) { return nil, errors.New("no stores here") }
func (f *fake) Emit(*task.Out) error                { return nil }
func (f *fake) Skipped(operator, reason string)     { f.note("skipped %s %s", operator, reason) }

// session is one transcript: a task, the offsets so far and its fake.
type session struct {
	t    *testing.T
	fake *fake
	task *task.Task
	next map[string]int64
}

func (s *session) run(cmd string, args []string) error {
	switch cmd {
	case "task":
		return s.open(args)
	case "resume":
		return s.task.Resume(args[0], number(value(args, "offset")), task.Metadata{PartitionTime: number(value(args, "time"))}.Encode())
	case "add":
		return s.add(args)
	case "process":
		return s.process(args)
	case "pass":
		return s.task.Pass(args[0], number(value(args, "next")))
	case "wall":
		return s.task.Punctuate(number(args[0]))
	case "commit":
		return s.commit()
	case "show":
		s.fake.note("st=%d ready=%d", s.task.StreamTime(), s.task.Ready())
		return nil
	}
	return fmt.Errorf("no command %q", cmd)
}

// open makes the task: "task in other skip stream=10 wall=100".
func (s *session) open(args []string) (err error) {
	s.fake, s.next = &fake{}, map[string]int64{}
	var opt task.Options
	for _, a := range args {
		switch name, v, _ := strings.Cut(a, "="); name {
		case "skip":
			opt.Undecodable = func(*task.Raw, *task.DecodeError) bool { return true }
		case "stream":
			s.fake.every(task.StreamTime, number(v))
		case "wall":
			s.fake.every(task.WallClock, number(v))
		default:
			s.fake.topics = append(s.fake.topics, name)
		}
	}
	s.fake.flush = []func() error{func() error { s.fake.note("flush"); return nil }}
	s.task, err = task.New(topo.TaskID{Subtopology: 1}, s.fake.topics, s.fake, s.fake, opt)
	return err
}

// add delivers one batch: "add in ts=5 k=a v=1, ts=6 k=b v=2". Offsets count up;
// offset= sets one.
func (s *session) add(args []string) error {
	var batch []task.Raw
	for _, fields := range strings.Split(strings.Join(args[1:], " "), ",") {
		f := strings.Fields(fields)
		r := task.Raw{Topic: args[0], Offset: s.next[args[0]], LeaderEpoch: 3, Time: number(value(f, "ts")), Key: []byte(value(f, "k")), Value: []byte(value(f, "v"))}
		if o := value(f, "offset"); o != "" {
			r.Offset = number(o)
		}
		s.next[args[0]] = r.Offset + 1
		batch = append(batch, r)
	}
	return s.task.Add(args[0], batch)
}

// process takes one record, or all that there are.
func (s *session) process(args []string) error {
	for {
		ok, err := s.task.Process()
		if err != nil || len(args) == 0 {
			return err
		}
		if !ok {
			return nil
		}
	}
}

func (s *session) commit() error {
	if err := s.task.Flush(); err != nil {
		return err
	}
	offsets := s.task.Offsets()
	for _, o := range offsets {
		m, _ := task.DecodeMetadata(o.Metadata)
		s.fake.note("%s offset=%d epoch=%d time=%d", o.Topic, o.Offset, o.LeaderEpoch, m.PartitionTime)
	}
	s.task.Committed(offsets)
	return nil
}

// value finds name= among fields.
func value(fields []string, name string) string {
	for _, f := range fields {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			return v
		}
	}
	return ""
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
