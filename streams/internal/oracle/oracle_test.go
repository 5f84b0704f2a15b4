package oracle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/record"
)

// TestKafkaStreamsVectors replays every vector that this version can express and
// compares output, skips, changelogs, internal topics and the description.
func TestKafkaStreamsVectors(t *testing.T) {
	t.Parallel()
	all := vectors(t)
	missing := map[string]int{}
	ran := 0
	for _, v := range all {
		b, err := interpret(v)
		var no unsupported
		if errors.As(err, &no) {
			missing[string(no)]++
			continue
		}
		require.NoError(t, err, v.Name)
		ran++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			topology, err := b.Build()
			if v.Expect.BuildError != nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			if v.Expect.Describe != "" && !v.otherNames() {
				require.Equal(t, v.Expect.Describe, topology.Describe())
			}
			d, err := newDriver(topology, v.Config["application.id"].(string), v.caches())
			require.NoError(t, err)
			replay(t, v, d)
		})
	}
	t.Logf("%d of %d vectors replayed; not expressible yet: %s", ran, len(all), tally(missing))
	require.NotZero(t, ran)
}

// otherNames: the vectors pass Materialized.with to a count that has no name, for
// which Kafka Streams takes a number that no Millrace program takes.
func (v vector) otherNames() bool {
	for _, o := range v.Program {
		if o.Op == "count" && (o.Materialized == nil || o.Materialized.Store == "") {
			return true
		}
	}
	return false
}

// caches is the budget of the record caches, which most vectors have not.
func (v vector) caches() *cached.Budget {
	if n, _ := v.Config["statestore.cache.max.bytes"].(float64); n != 0 {
		return cached.NewBudget(int64(n))
	}
	return nil
}

// replay runs the steps of one vector.
func replay(t *testing.T, v vector, d *driver) {
	t.Helper()
	for i, s := range v.Steps {
		if i >= len(v.Expect.Steps) {
			break // the run ended in an error before
		}
		want := v.Expect.Steps[i]
		if s.Pipe == nil && s.Advance == nil {
			continue // queries are the stores' own tests
		}
		d.out, d.dropped = nil, 0
		err := d.step(t, v, s)
		if want.Error != nil {
			require.Error(t, err, "step %d must fail", i)
			return
		}
		require.NoError(t, err, "step %d", i)
		if !tagged(v, "store-dependent:out") {
			require.Equal(t, lines(expected(t, v, want.Out)), lines(byTopic(d.out)), "step %d", i)
		}
		if !tagged(v, "store-dependent:dropped") {
			require.Equal(t, want.Dropped, d.dropped, "step %d: dropped", i)
		}
	}
	if v.otherNames() {
		return
	}
	topics(t, v, d)
	for topic, want := range v.Expect.Changelogs {
		want, got := expected(t, v, want), d.changelogs[topic]
		if d.buffered(topic) {
			want, got = byKey(want), byKey(got)
		}
		require.Equal(t, lines(want), lines(got), "changelog %s", topic)
	}
}

// topics compares the internal topics and their configurations.
func topics(t *testing.T, v vector, d *driver) {
	t.Helper()
	got := map[string]string{}
	for _, sub := range d.plan.Subtopologies {
		for _, r := range sub.Repartitions {
			got[r.Topic] = fmt.Sprint(r.Config)
		}
		for _, s := range sub.Stores {
			if s.Changelog != "" {
				got[s.Changelog] = fmt.Sprint(s.ChangelogConfig)
			}
		}
	}
	want := map[string]string{}
	for _, it := range v.Expect.Topics {
		want[it.Name] = fmt.Sprint(it.Config)
	}
	require.Equal(t, want, got)
}

func tagged(v vector, tag string) bool {
	for _, have := range v.Tags {
		if have == tag {
			return true
		}
	}
	return false
}

// input encodes a piped record as the program's source types say.
func input(t *testing.T, v vector, p pipe) sent {
	t.Helper()
	keys, values := sourceTypes(v, p.Topic)
	return sent{topic: p.Topic, key: bytesOf(t, p.KeyHex, p.Key, keys), value: bytesOf(t, p.ValHex, p.Value, values), ts: p.TS, headers: headers(p.Headers)}
}

func sourceTypes(v vector, topic string) (keys, values string) {
	for _, o := range v.Program {
		if o.Op == "table" && o.Topic == topic {
			return o.Key, o.Value
		}
		for _, s := range o.Topics {
			if s == topic {
				return o.Key, o.Value
			}
		}
	}
	return "string", "string"
}

// sinkTypes is the types of what the program writes to a topic.
func sinkTypes(v vector, topic string) (keys, values string) {
	for _, o := range v.Program {
		if o.Op == "to" && o.Topic == topic {
			return v.Types[o.In].Key, v.Types[o.In].Value
		}
	}
	return "string", "string"
}

func bytesOf(t *testing.T, hexed *string, l literal, typ string) []byte {
	t.Helper()
	switch {
	case hexed != nil:
		b, err := hexBytes(*hexed)
		require.NoError(t, err)
		return b
	case l.v == nil:
		return nil
	case l.v.kind == 'b':
		return []byte(l.v.s)
	}
	b, err := datum{typ}.Append([]byte{}, l.v)
	require.NoError(t, err)
	return b
}

func expected(t *testing.T, v vector, ws []written) []sent {
	t.Helper()
	var out []sent
	for _, w := range ws {
		keys, values := sinkTypes(v, w.Topic)
		out = append(out, sent{topic: w.Topic, key: bytesOf(t, w.KeyHex, w.Key, keys), value: bytesOf(t, w.ValHex, w.Value, values), ts: w.TS, headers: headers(w.Headers)})
	}
	return out
}

func headers(hs [][]literal) []record.Header {
	var out []record.Header
	for _, h := range hs {
		value := []byte(sval(h[1].v))
		if h[1].v == nil {
			value = nil
		}
		out = append(out, record.Header{Key: str(h[0].v), Value: value})
	}
	return out
}

// byTopic orders as the vectors do: by topic, then as produced.
func byTopic(s []sent) []sent {
	sort.SliceStable(s, func(i, j int) bool { return s[i].topic < s[j].topic })
	return s
}

// lines makes records comparable and their differences readable.
func lines(ss []sent) string {
	var b strings.Builder
	for _, s := range ss {
		topic := s.topic
		if strings.HasSuffix(topic, "-changelog") {
			topic = ""
		}
		fmt.Fprintf(&b, "%s %s = %s @%d", topic, show(s.key), show(s.value), s.ts)
		for _, h := range s.headers {
			fmt.Fprintf(&b, " %s:%s", h.Key, show(h.Value))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func show(b []byte) string {
	if b == nil {
		return "null"
	}
	return hex.EncodeToString(b) + "(" + strings.Map(printable, string(b)) + ")"
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '.'
	}
	return r
}

// tally lists counted reasons, the most frequent first.
func tally(m map[string]int) string {
	var out []string
	for k, n := range m {
		out = append(out, fmt.Sprintf("%d %s", n, k))
	}
	sort.Slice(out, func(i, j int) bool {
		return m[out[i][strings.Index(out[i], " ")+1:]] > m[out[j][strings.Index(out[j], " ")+1:]]
	})
	return strings.Join(out, "; ")
}
