package format_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/storetest/golden"
	"github.com/millrace/millrace/streams/record"
)

// text is an optional text of a case as bytes; null is nil.
func text(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// headers are pairs of a key and an optional value.
func headers(pairs [][]*string) (out []record.Header) {
	for _, p := range pairs {
		out = append(out, record.Header{Key: *p[0], Value: text(p[1])})
	}
	return out
}

func TestGoldenMurmur3(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "murmur3_128") {
		var in struct{ H0, H1 string }
		c.Decode(t, &in)
		h := format.HashOf(c.Bytes(t))
		require.Equal(t, in.H0, strconv.FormatInt(int64(h.H0), 10), "case %d", c.Index)
		require.Equal(t, in.H1, strconv.FormatInt(int64(h.H1), 10), "case %d", c.Index)
	}
}

func TestGoldenChanges(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "changed") {
		var in struct{ Old, New *string }
		c.Decode(t, &in)
		got, err := format.AppendChange([]byte("x"), text(in.Old), text(in.New))
		require.NoError(t, err)
		require.Equal(t, append([]byte("x"), c.Bytes(t)...), got)
		old, new, err := format.ParseChange(c.Bytes(t))
		require.NoError(t, err)
		require.Equal(t, text(in.Old), old)
		require.Equal(t, text(in.New), new)
	}
}

func TestGoldenSubscriptions(t *testing.T) {
	t.Parallel()
	instructions := map[string]format.Instruction{
		"DELETE_KEY_NO_PROPAGATE": format.DeleteSilently, "DELETE_KEY_AND_PROPAGATE": format.DeleteAndAnswer,
		"PROPAGATE_NULL_IF_NO_FK_VAL_AVAILABLE": format.AnswerAlways, "PROPAGATE_ONLY_IF_FK_VAL_AVAILABLE": format.AnswerIfPresent,
	}
	for _, c := range golden.Cases(t, "fk.subscription") {
		var in struct {
			Version          uint8
			Instruction, Pk  string
			HashOfValue      *string
			PrimaryPartition *int32
		}
		c.Decode(t, &in)
		require.Contains(t, instructions, in.Instruction)
		want := format.Subscription{
			Version: in.Version, Instruction: instructions[in.Instruction], PrimaryKey: []byte(in.Pk), PrimaryPartition: -1,
		}
		want.Hash, want.HasHash = hash(in.HashOfValue)
		if in.PrimaryPartition != nil {
			want.PrimaryPartition = *in.PrimaryPartition
		}
		require.Equal(t, c.Bytes(t), format.AppendSubscription(nil, want))
		got, err := format.ParseSubscription(c.Bytes(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// hash is that of an optional value.
func hash(value *string) (h format.Hash, ok bool) {
	if value == nil {
		return h, false
	}
	return format.HashOf([]byte(*value)), true
}

func TestGoldenResponses(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "fk.response") {
		var in struct{ HashOfValue, ForeignValue *string }
		c.Decode(t, &in)
		want := format.Response{Value: text(in.ForeignValue)}
		want.Hash, want.HasHash = hash(in.HashOfValue)
		require.Equal(t, c.Bytes(t), format.AppendResponse(nil, want))
		got, err := format.ParseResponse(c.Bytes(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// buffered are the inputs of contexts and of rows.
type buffered struct {
	Timestamp, Offset int64
	Partition         int32
	Topic             string
	Headers           [][]*string
	Prior, Old, New   *string // hexadecimal digits
	BufferTime        int64
}

func (b buffered) context() format.Context {
	return format.Context{
		Time: b.Timestamp, Offset: b.Offset, Topic: b.Topic, Partition: b.Partition, Headers: headers(b.Headers),
	}
}

func TestGoldenContexts(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "recordcontext") {
		var in buffered
		c.Decode(t, &in)
		require.Equal(t, c.Bytes(t), format.AppendContext(nil, in.context()))
		got, err := format.ParseContext(c.Bytes(t))
		require.NoError(t, err)
		require.Equal(t, in.context(), got)
	}
}

func TestGoldenBufferRows(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "suppress.value") {
		var in buffered
		c.Decode(t, &in)
		want := format.BufferRow{
			Context: in.context(), Time: in.BufferTime,
			Prior: golden.Optional(t, in.Prior), Old: golden.Optional(t, in.Old), New: golden.Optional(t, in.New),
		}
		require.Equal(t, c.Bytes(t), format.AppendBufferRow(nil, want))
		got, err := format.ParseBufferRow(c.Bytes(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestGoldenValuesWithHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "store.value_timestamp_headers") {
		var in struct {
			Value     string
			Timestamp int64
			Headers   [][]*string
		}
		c.Decode(t, &in)
		want := headers(in.Headers)
		require.Equal(t, c.Bytes(t), format.AppendWithHeaders(nil, want, in.Timestamp, []byte(in.Value)))
		got, ts, value, err := format.ParseWithHeaders(c.Bytes(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, in.Timestamp, ts)
		require.Equal(t, in.Value, string(value))
	}
}

func TestGoldenPositions(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "position") {
		got, err := format.ParsePosition(append(c.Bytes(t), 0, 0, 0)) // as the writer leaves it
		require.NoError(t, err)
		var in struct{ Position string }
		c.Decode(t, &in)
		if in.Position == "t1:0=5,t1:3=9" {
			require.Equal(t, format.Offsets{"t1": {0: 5, 3: 9}}, got)
		}
	}
}
