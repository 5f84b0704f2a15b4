package oracle

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/streamstest"
)

// input encodes a piped record as the program's source types say.
func (v *vector) input(t *testing.T, p pipe) streamstest.Message {
	t.Helper()
	keys, values := v.sourceTypes(p.Topic)
	return streamstest.Message{
		Topic: p.Topic, Time: p.TS, Headers: headers(p.Headers),
		Key: bytesOf(t, p.KeyHex, p.Key, keys), Value: bytesOf(t, p.ValHex, p.Value, values),
	}
}

func (v *vector) sourceTypes(topic string) (keys, values string) {
	for _, o := range v.Program {
		if o.Topic == topic && (o.Op == "table" || o.Op == "globalTable") || slices.Contains(o.Topics, topic) {
			return o.Key, o.Value
		}
	}
	return "string", "string"
}

// sinkTypes is the types of what the program writes to a topic.
func (v *vector) sinkTypes(topic string) (keys, values string) {
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
	case l.v.kind == 'n':
		typ = "long" // also where several programs of other types write to one topic
	}
	b, err := datum{typ}.Append([]byte{}, l.v)
	require.NoError(t, err)
	return b
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

// outputs compares what a step sent to topics that are not internal, and what it
// dropped.
func (r *replay) outputs(where string, want outcome) {
	internal := r.internal()
	var got []streamstest.Message
	for _, topic := range r.d.Topics() {
		all := r.d.Messages(topic)
		if !internal[topic] {
			got = append(got, all[min(r.read[topic], len(all)):]...)
		}
		r.read[topic] = len(all)
	}
	if !r.v.tagged("store-dependent:out") {
		r.compare(where, want.Out, got)
	}
	dropped := r.dropped() - r.lost
	r.lost += dropped
	if !r.v.tagged("store-dependent:dropped") {
		r.same(where+", dropped", want.Dropped, dropped)
	}
}

// dropped is what Kafka's dropped-records metrics count. The filter before a
// repartition topic drops null keys without a word there; here it counts them.
func (r *replay) dropped() (n int) {
	for skip, times := range r.d.Skipped() {
		filter := strings.HasSuffix(skip.Operator, "-filter") || strings.HasPrefix(skip.Operator, "KSTREAM-FILTER-")
		if skip.Reason != "null-key" || !filter {
			n += times
		}
	}
	return n
}

// internal are the topics that the application makes for itself.
func (r *replay) internal() map[string]bool {
	out := map[string]bool{}
	for _, it := range r.d.InternalTopics() {
		if it.Config != nil {
			out[it.Name] = true
		}
	}
	return out
}

// topics compares the internal topics and their configurations.
func (r *replay) topics() {
	kinds := map[bool]string{false: "repartition", true: "changelog"}
	got := map[string]string{}
	for _, it := range r.d.InternalTopics() {
		kind := kinds[it.Changelog]
		if it.Config == nil {
			kind = "source_topic_as_changelog"
		}
		got[it.Name] = fmt.Sprint(kind, it.Partitions, it.Config)
	}
	want := map[string]string{}
	for _, it := range r.v.Expect.Topics {
		want[it.Name] = fmt.Sprint(it.Kind, it.Partitions, it.Config)
	}
	r.same("internal topics", want, got)
}

// logs compares all records of changelogs and repartition topics, as far as steps
// wrote them that did not fail.
func (r *replay) logs() {
	want := maps.Clone(r.v.Expect.Changelogs)
	if want == nil {
		want = map[string][]written{}
	}
	maps.Copy(want, r.v.Expect.Repartitions)
	for topic, made := range r.internal() {
		if _, ok := want[topic]; !ok && made { // the others are sources
			want[topic] = nil
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(want)) {
		r.compare("topic "+topic, want[topic], r.d.Messages(topic)[:r.read[topic]])
	}
}

// compare compares records one by one.
func (r *replay) compare(where string, want []written, got []streamstest.Message) {
	r.t.Helper()
	var a, b []string
	for i, w := range want {
		a = append(a, r.expected(w))
		if i < len(got) {
			b = append(b, actual(got[i], w))
		}
	}
	for i := len(want); i < len(got); i++ {
		b = append(b, actual(got[i], written{TS: &got[i].Time}))
	}
	if !slices.Equal(a, b) {
		r.differ(where, "\n"+strings.Join(a, "\n"), "\n"+strings.Join(b, "\n"))
	}
}

// expected and actual make lines of records, which are compared; an actual record
// leaves out what the expected one does not tell.
func (r *replay) expected(w written) string {
	keys, values := r.v.sinkTypes(w.Topic)
	m := streamstest.Message{
		Topic: w.Topic, Key: bytesOf(r.t, w.KeyHex, w.Key, keys), Value: bytesOf(r.t, w.ValHex, w.Value, values),
		Headers: headers(w.Headers),
	}
	if w.TS != nil {
		m.Time = *w.TS
	}
	return line(m, w)
}

func actual(m streamstest.Message, w written) string {
	if w.Topic == "" {
		m.Topic = "" // that of an internal topic is known
	}
	return line(m, w)
}

func line(m streamstest.Message, w written) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s = %s", m.Topic, show(m.Key), show(m.Value))
	if w.TS != nil {
		fmt.Fprintf(&b, " @%d", m.Time)
	}
	for i, h := range m.Headers {
		if strings.HasPrefix(h.Key, "__millrace.") {
			continue // what we tell more, behind the others
		}
		b.WriteString(" " + h.Key)
		if i >= len(w.Headers) || !unspoken(w.Headers[i]) {
			b.WriteString(":" + show(h.Value))
		}
	}
	return b.String()
}

// unspoken headers have no value in the vectors, but a remark in brackets.
func unspoken(header []literal) bool {
	text := sval(header[1].v)
	return strings.HasPrefix(str(header[0].v), "__streams.errors.") && strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")")
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

// raw is the text of something optional.
func raw(m *json.RawMessage) string {
	if m == nil {
		return "none"
	}
	return string(*m)
}
