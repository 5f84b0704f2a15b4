package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/streamstest"
)

// capture is what a Kafka Streams application and its brokers did: the topics in full.
type capture struct {
	Topology      string            `json:"topology"`
	ApplicationID string            `json:"applicationId"`
	Config        map[string]string `json:"config"`
	Inputs        []struct {
		Topic      string  `json:"topic"`
		Partition  int32   `json:"partition"`
		Timestamp  int64   `json:"timestamp"`
		Key, Value *string `json:",omitempty"`
		Header     string  `json:"header"`
	} `json:"inputs"`
	Topics map[string]struct {
		Partitions int `json:"partitions"`
		Records    []struct {
			Partition int32   `json:"partition"`
			Timestamp int64   `json:"timestamp"`
			Key       *string `json:"key"`
			Value     *string `json:"value"`
			Headers   []struct{ Key, Value string }
		} `json:"records"`
	} `json:"topics"`
}

const (
	// interopEnv names more directories that have captures in them, or in captures.
	interopEnv     = "MILLRACE_INTEROP"
	sharedCaptures = "../../../shared/interop/captures"
	ownCaptures    = "captures"
)

// captures loads all captures of whole applications; those of groups have no topology.
func captures(t *testing.T, getenv func(string) string) map[string]capture {
	t.Helper()
	dirs := strings.FieldsFunc(getenv(interopEnv), func(r rune) bool { return r == ',' })
	if _, err := os.Stat(sharedCaptures); err == nil {
		dirs = append(dirs, sharedCaptures)
	} else {
		t.Logf("%s is absent (it is not part of the project): only the copies of some are replayed", sharedCaptures)
		dirs = append(dirs, ownCaptures)
	}
	out := map[string]capture{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(dir), "*.json"))
		require.NoError(t, err)
		below, err := filepath.Glob(filepath.Join(strings.TrimSpace(dir), "captures", "*.json"))
		require.NoError(t, err)
		files = append(files, below...)
		for _, file := range files {
			var c capture
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			if json.Unmarshal(b, &c) == nil && c.Topology != "" && len(c.Inputs) > 0 {
				out[filepath.Base(file)] = c
			}
		}
	}
	return out
}

// TestCapturesOfApplications replays the inputs of applications that ran on a real
// broker, and compares the records of all their topics, by partition.
func TestCapturesOfApplications(t *testing.T) {
	t.Parallel()
	all := captures(t, os.Getenv)
	if len(all) == 0 {
		t.Skip("no captures: they lie beside the project")
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, ok := applications[c.Topology]
			require.True(t, ok, "no program for the topology %s", c.Topology)
			b := streams.NewBuilder()
			program(application{b, c.ApplicationID})
			d := streamstest.New(t, b, c.options()...)
			c.send(t, d)
			for _, topic := range slices.Sorted(maps.Keys(c.Topics)) {
				if strings.HasSuffix(topic, "-kvhdr-changelog") {
					continue // there are no stores that keep headers
				}
				c.compare(t, d, topic)
			}
		})
	}
}

// options are the driver's: as many partitions as the topics have.
func (c capture) options() []streamstest.Option {
	most := 1
	for _, topic := range c.Topics {
		most = max(most, topic.Partitions)
	}
	for _, in := range c.Inputs {
		most = max(most, int(in.Partition)+1)
	}
	if c.Topology == "repartition" {
		most = c.Topics[c.ApplicationID+"-out"].Partitions // the repartition topic asks for more
	}
	out := []streamstest.Option{streamstest.WithApplicationID(c.ApplicationID), streamstest.WithPartitions(most)}
	if c.Config["dsl.store.format"] == "HEADERS" {
		out = append(out, streamstest.WithBuild(streams.HeaderStores()))
	}
	return out
}

func (c capture) send(t *testing.T, d *streamstest.Driver) {
	t.Helper()
	for _, in := range c.Inputs {
		opts := []streamstest.SendOption{streamstest.AtMs(in.Timestamp), streamstest.ToPartition(in.Partition)}
		if key, value, ok := strings.Cut(in.Header, "="); ok {
			opts = append(opts, streamstest.WithHeaders(record.Header{Key: key, Value: []byte(value)}))
		}
		require.NoError(t, d.SendRaw(c.ApplicationID+"-"+in.Topic, optional(in.Key), optional(in.Value), opts...))
	}
}

func optional(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// compare compares one topic, partition by partition.
func (c capture) compare(t *testing.T, d *streamstest.Driver, topic string) {
	t.Helper()
	clocked := c.clocked(d, topic)
	want, got := map[int32][]string{}, map[int32][]string{}
	for _, r := range c.Topics[topic].Records {
		m := streamstest.Message{Key: unhex(t, r.Key), Value: unhex(t, r.Value), Time: r.Timestamp}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, record.Header{Key: h.Key, Value: unhex(t, &h.Value)})
		}
		want[r.Partition] = append(want[r.Partition], c.line(m, clocked))
	}
	for _, m := range d.Messages(topic) {
		got[m.Partition] = append(got[m.Partition], c.line(m, clocked))
	}
	for p := range got {
		if c.Topology == "emitfinal" && strings.HasSuffix(topic, "-out") {
			// Kafka Streams looks for closed windows once a second of wall time, and not again
			// at the end; the driver does at each record.
			got[p] = got[p][:min(len(got[p]), len(want[p]))]
		}
	}
	// Tasks run beside each other: in a topic that several of them write to, only the
	// records of one key have an order.
	for _, lines := range [][]string{want[0], got[0], want[1], got[1], want[2], got[2]} {
		slices.SortStableFunc(lines, func(a, b string) int {
			return strings.Compare(a[:strings.Index(a, " = ")], b[:strings.Index(b, " = ")])
		})
	}
	require.Equal(t, want, got, "topic %s", topic)
}

func unhex(t *testing.T, s *string) []byte {
	t.Helper()
	if s == nil {
		return nil
	}
	b, err := hexBytes(*s)
	require.NoError(t, err)
	return b
}

// clocked topics have the wall clock's times: changelogs of suppress and grace buffers.
func (c capture) clocked(d *streamstest.Driver, topic string) bool {
	for _, s := range d.Stores() {
		if topic == c.ApplicationID+"-"+s.Name+"-changelog" {
			return s.Kind == store.KindBuffer || s.Kind == store.KindGraceBuffer
		}
	}
	return false
}

func (c capture) line(m streamstest.Message, clocked bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s = %s", show(m.Key), show(m.Value))
	if !clocked {
		fmt.Fprintf(&b, " @%d", m.Time)
	}
	for _, h := range m.Headers {
		if c.Config["__iq.consistency.offset.vector.enabled__"] == "true" && (h.Key == "v" || h.Key == "c") {
			continue // positions for queries across instances, which readers ignore
		}
		fmt.Fprintf(&b, " %s:%s", h.Key, show(h.Value))
	}
	return b.String()
}
