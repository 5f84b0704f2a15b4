package integration_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// jvmClasspath names the classes of Kafka Streams applications with the same
// topologies, "apps.jar:lib/*"; .ci/run builds them where their source is at hand.
const jvmClasspath = "MILLRACE_JVM_CLASSPATH"

// twin is one topology that exists on both sides, under one name.
type twin struct {
	name, store string
	build       func(in, out string) *streams.Builder
	// rows are what the store holds in the end, as the JVM application prints it.
	rows func(base int64) []string
}

// second is how far apart the records are that each key gets, from base on: the
// first three of them while the JVM runs, the others while Millrace does.
var second = [...]int64{0, 2, 4, 6, 8}

func twins() []twin {
	return []twin{
		{"count", "counts", countTwin, func(int64) []string { return []string{"blue=15", "red=15"} }},
		{"wincount", "wcounts", windowTwin, func(base int64) []string { return perKey("k%d@%d/%d=5", base, base+10_000) }},
		{"sesscount", "sesscounts", sessionTwin, func(base int64) []string { return perKey("k%d@%d/%d=5", base, base+8_000) }},
	}
}

func perKey(format string, from, to int64) (out []string) {
	for k := range 3 {
		out = append(out, fmt.Sprintf(format, k, from, to))
	}
	return out
}

func countTwin(in, out string) *streams.Builder {
	words := regexp.MustCompile(`\W+`)
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(in, serde.String, serde.String)).
		FlatMapValues(func(v string) []string { return words.Split(strings.ToLower(v), -1) }).
		GroupBy(func(_, w string) string { return w }, serde.String).
		Count(streams.As("counts"), streams.NoCache()).
		ToStream().
		MapValues(decimal).
		To(streams.NewTopic(out, serde.String, serde.String))
	return b
}

func windowTwin(in, out string) *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(in, serde.String, serde.String)).
		GroupByKey().
		WindowedBy(streams.Tumbling(10*time.Second).Grace(5*time.Second)).
		Count(streams.As("wcounts"), streams.NoCache()).
		ToStream(streams.WindowedKey).
		MapValues(decimal).
		To(streams.NewTopic(out, serde.WindowedTime(serde.String, 10*time.Second), serde.String))
	return b
}

func sessionTwin(in, out string) *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(in, serde.String, serde.String)).
		GroupByKey().
		SessionsBy(streams.SessionGap(5*time.Second).Grace(5*time.Second)).
		Count(streams.As("sesscounts"), streams.NoCache()).
		ToStream(streams.WindowedKey).
		MapValues(decimal).
		To(streams.NewTopic(out, serde.WindowedSession(serde.String), serde.String))
	return b
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// TestTakeover: Kafka Streams on the JVM begins, Millrace takes over under the same
// application id with an empty disk, and the JVM takes over again, with an empty
// disk too. What its store holds then is what all the records make.
func TestTakeover(t *testing.T) {
	t.Parallel()
	needJVM(t)
	for _, tw := range twins() {
		t.Run(tw.name, func(t *testing.T) {
			t.Parallel()
			app := unique(t)
			in, out := app+"-in1", app+"-out"
			create(t, in, app+"-in2", out)
			base := time.Now().Add(-time.Minute).Truncate(10 * time.Second).UnixMilli()

			first := startJVM(t, tw.name, app)
			sendAt(t, in, base, second[:3])
			drained(t, app)
			before := first.dump(tw.store)
			first.quit()
			require.NotEmpty(t, before)

			r := start(t, tw.build(in, out), config(t, app))
			r.ready(t)
			require.NotZero(t, r.app.Status().RestoredRecords, "the JVM's changelog")
			sendAt(t, in, base, second[3:])
			drained(t, app)
			r.stop()

			last := startJVM(t, tw.name, app)
			require.Equal(t, tw.rows(base), last.dump(tw.store))
			last.quit()
		})
	}
}

// TestMixedGroup: a JVM and a Millrace process share one group, and the second goes
// on alone when the first has left.
func TestMixedGroup(t *testing.T) {
	t.Parallel()
	needJVM(t)
	app := unique(t)
	in, out := app+"-in1", app+"-out"
	create(t, in, app+"-in2", out)
	base := time.Now().Add(-time.Minute).Truncate(10 * time.Second).UnixMilli()
	jvm := startJVM(t, "count", app)
	sendAt(t, in, base, second[:2])
	drained(t, app)
	r := start(t, countTwin(in, out), config(t, app))
	eventually(t, "both have tasks", func() bool {
		n := len(r.app.Status().Tasks)
		return n > 0 && n < 2*partitions
	})
	sendAt(t, in, base, second[2:4])
	drained(t, app)
	jvm.quit()
	eventually(t, "Millrace has all tasks", func() bool { return len(r.app.Status().Tasks) == 2*partitions })
	sendAt(t, in, base, second[4:])
	drained(t, app)
	r.stop()

	last := startJVM(t, "count", app)
	require.Equal(t, []string{"blue=15", "red=15"}, last.dump("counts"))
	last.quit()
}

func needJVM(t *testing.T) {
	t.Helper()
	if os.Getenv(jvmClasspath) == "" {
		t.Skipf("needs %s: the classes of the Kafka Streams applications to take over from, which are not part of the project", jvmClasspath)
	}
	needReal(t, "a JVM client talks to it")
}

// sendAt sends one record of two words for each key at each second.
func sendAt(t *testing.T, topic string, base int64, seconds []int64) {
	t.Helper()
	c := client(t)
	for _, s := range seconds {
		for k := range 3 {
			r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", k), Value: []byte("Red blue"), Timestamp: time.UnixMilli(base + s*1000)}
			require.NoError(t, c.ProduceSync(t.Context(), r).FirstErr())
		}
	}
}

// drained waits until the group has committed all there is, in a row: what one
// sub-topology commits may be input of the next.
func drained(t *testing.T, app string) {
	t.Helper()
	calm := 0
	eventually(t, "everything committed", func() bool {
		if lag(t, app) == 0 {
			calm++
		} else {
			calm = 0
		}
		return calm > 10
	})
}

// jvm is a Kafka Streams application in a process of its own.
type jvm struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
}

func startJVM(t *testing.T, topology, app string) *jvm {
	t.Helper()
	cmd := exec.Command("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", os.Getenv(jvmClasspath), "interop.InteropApp",
		"--topology", topology, "--app", app, "--prefix", app, "--bootstrap", kafka(t).Addrs[0], "--state", t.TempDir(), "--leave", "true")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	j := &jvm{t: t, cmd: cmd, stdin: stdin, lines: make(chan string, 1000)}
	go j.read(stdout)
	j.until("RUNNING")
	return j
}

func (j *jvm) read(out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		j.lines <- s.Text()
	}
	close(j.lines)
}

// until reads lines up to one that begins so.
func (j *jvm) until(prefix string) (before []string) {
	j.t.Helper()
	timeout := time.After(soon)
	for {
		select {
		case line, ok := <-j.lines:
			require.True(j.t, ok, "the JVM ended before it said %q: %q", prefix, before)
			if strings.HasPrefix(line, prefix) {
				return before
			}
			before = append(before, line)
		case <-timeout:
			require.Fail(j.t, "the JVM does not say "+prefix, before)
		}
	}
}

// dump lists a store's rows without their times, sorted.
func (j *jvm) dump(store string) (rows []string) {
	j.t.Helper()
	_, err := fmt.Fprintf(j.stdin, "dump %s\n", store)
	require.NoError(j.t, err)
	for _, line := range j.until("END " + store) {
		if row, ok := strings.CutPrefix(line, "ROW "); ok {
			row, _, _ = strings.Cut(row, "~")
			rows = append(rows, row)
		}
	}
	return rows
}

// quit ends the application, which leaves the group.
func (j *jvm) quit() {
	j.t.Helper()
	_, err := fmt.Fprintln(j.stdin, "quit")
	require.NoError(j.t, err)
	j.until("CLOSED true")
	require.NoError(j.t, j.cmd.Wait())
}
