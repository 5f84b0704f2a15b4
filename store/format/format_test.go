package format_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// An empty value is a value, also as one side of a change.
func TestChangesOfEmptyValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new []byte }{
		{[]byte{}, nil}, {nil, []byte{}}, {[]byte{}, []byte{}}, {[]byte("o"), []byte{}}, {[]byte{}, []byte("n")},
	} {
		b, err := format.AppendChange(nil, c.old, c.new)
		require.NoError(t, err)
		old, new, err := format.ParseChange(b)
		require.NoError(t, err)
		require.Equal(t, c.old, old)
		require.Equal(t, c.new, new)
	}
	_, err := format.AppendChange(nil, nil, nil)
	require.ErrorIs(t, err, format.ErrMalformed)
}

// The three forms with a latest flag are read, though nobody writes them yet.
func TestChangesWithLatestFlag(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string][2]string{
		"old\x01\x03": {"old", ""}, "new\x00\x04": {"", "new"}, "\x06newold\x01\x05": {"old", "new"},
	} {
		old, new, err := format.ParseChange([]byte(wire))
		require.NoError(t, err)
		require.Equal(t, want, [2]string{string(old), string(new)})
	}
}

func TestMalformedBytes(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "\x03", "\x06", "\x07", "\x12ab\x02", "\xff\x02", "\x02", "\x01\x02"} {
		_, _, err := format.ParseChange([]byte(bad))
		require.ErrorIs(t, err, format.ErrMalformed, "%q", bad)
	}
	for _, bad := range []string{"", "\x01", "\x81\x09\x00\x00\x00\x00", "\x01\x02short", "\x02\x00", "\x81\x00\x00"} {
		_, err := format.ParseSubscription([]byte(bad))
		require.ErrorIs(t, err, format.ErrMalformed, "%q", bad)
	}
	for _, bad := range []string{"", "\x00short", "\x01", "\x81"} {
		_, err := format.ParseResponse([]byte(bad))
		require.ErrorIs(t, err, format.ErrMalformed, "%q", bad)
	}
	_, _, err := format.ParseTimestamped([]byte("short"))
	require.ErrorIs(t, err, format.ErrMalformed)
	for _, bad := range []string{"", "\x04", "\x02\x02", "\x0201234567", "\x00short"} {
		_, _, _, err := format.ParseWithHeaders([]byte(bad))
		require.ErrorIs(t, err, format.ErrMalformed, "%q", bad)
	}
	_, err = format.ParsePosition([]byte{1})
	require.ErrorIs(t, err, format.ErrMalformed)
}

func row() format.BufferRow {
	return format.BufferRow{
		Context: format.Context{Time: 5, Offset: 6, Topic: "in", Partition: 7, Headers: []record.Header{{Key: "h"}, {Key: "i", Value: []byte("x")}}},
		Prior:   []byte("prior"), Old: []byte("old"), New: []byte("new"), Time: 9,
	}
}

// Every cut is an error, and none a panic.
func TestCutRowsAreErrors(t *testing.T) {
	t.Parallel()
	whole := format.AppendBufferRow(nil, row())
	for n := range whole {
		_, err := format.ParseBufferRow(whole[:n])
		require.ErrorIs(t, err, format.ErrMalformed, n)
		_, err = format.ParseContext(whole[:min(n, 30)])
		require.Error(t, err)
	}
	got, err := format.ParseBufferRow(whole)
	require.NoError(t, err)
	require.Equal(t, row(), got)
}

// nested is a change as releases before version 3 wrote it.
func nested(old, new string) []byte {
	change := append([]byte{0, 0, 0, byte(len(old))}, old...)
	return append(append(change, 0, 0, 0, byte(len(new))), new...)
}

func sized(b []byte) []byte { return append([]byte{0, 0, 0, byte(len(b))}, b...) }

// The older versions of a suppress changelog, as their layouts say.
func TestOldBufferRecords(t *testing.T) {
	t.Parallel()
	nine := []byte{0, 0, 0, 0, 0, 0, 0, 9}
	context := format.AppendContext(nil, row().Context)
	want := row()
	want.Prior = want.Old // which the first two do not know

	got, err := format.ParseBufferRecord(append(bytes.Clone(nine), nested("old", "new")...), nil, row().Context)
	require.NoError(t, err)
	require.Equal(t, want, got)

	got, err = format.ParseBufferRecord(append(append(bytes.Clone(nine), context...), sized(nested("old", "new"))...), []byte{1}, format.Context{})
	require.NoError(t, err)
	require.Equal(t, want, got)

	two := append(append(bytes.Clone(context), sized(nested("old", "new"))...), sized([]byte("prior"))...)
	got, err = format.ParseBufferRecord(append(two, nine...), []byte{2}, format.Context{})
	require.NoError(t, err)
	require.Equal(t, row(), got)

	for _, version := range []byte{2, 3} { // some releases called a 3 a 2
		got, err = format.ParseBufferRecord(format.AppendBufferRow(nil, row()), []byte{version}, format.Context{})
		require.NoError(t, err)
		require.Equal(t, row(), got)
	}
	for _, version := range [][]byte{nil, {0}, {1}, {2}, {3}} {
		_, err = format.ParseBufferRecord([]byte("nonsense"), version, format.Context{})
		require.ErrorIs(t, err, format.ErrMalformed)
	}
}

// What Kafka Streams would count for a row: an old value that is the prior one
// counts once.
func TestRowSizes(t *testing.T) {
	t.Parallel()
	r := row()
	context := 8 + 8 + 4 + len("in") + len("h") + len("i") + len("x")
	require.Equal(t, 8+3+len("prior")+len("old")+len("new")+context, r.Size(3))
	r.Old = []byte("prior")
	require.Equal(t, 8+3+len("prior")+len("new")+context, r.Size(3))
}

func TestJoinKeysAndValues(t *testing.T) {
	t.Parallel()
	keys := format.JoinKeys(serde.String)
	key := format.JoinKey[string]{Time: 5, Left: true, Key: "a"}
	b, err := keys.Append(nil, key)
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x00\x00\x00\x05\x01a", string(b))
	got, err := keys.Decode(b)
	require.NoError(t, err)
	require.Equal(t, key, got)
	_, err = keys.Decode([]byte("01234567\x02a"))
	require.ErrorIs(t, err, format.ErrMalformed)

	values := format.SidedValues(serde.String, serde.Int32)
	for wire, want := range map[string]format.Sided[string, int32]{
		"\x01L1": {IsLeft: true, Left: "L1"}, "\x00\x00\x00\x00\x07": {Right: 7},
	} {
		b, err := values.Append(nil, want)
		require.NoError(t, err)
		require.Equal(t, wire, string(b))
		got, err := values.Decode(b)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err = values.Decode(nil)
	require.ErrorIs(t, err, format.ErrMalformed)
}

func TestListValues(t *testing.T) {
	t.Parallel()
	var list []byte
	var err error
	for _, v := range [][]byte{[]byte("L1"), nil, {}} {
		list, err = format.AppendListValue(list, v)
		require.NoError(t, err)
	}
	require.Equal(t, "\x01\x00\x00\x00\x03\x00\x00\x00\x02L1\xff\xff\xff\xff\x00\x00\x00\x00", string(list))
	var got [][]byte
	for v, err := range format.ListValues(list) {
		require.NoError(t, err)
		got = append(got, v)
	}
	require.Equal(t, [][]byte{[]byte("L1"), nil, {}}, got)

	_, err = format.AppendListValue([]byte("\x00bad"), nil)
	require.ErrorIs(t, err, format.ErrMalformed)
	for n := range list {
		var last error
		for _, err := range format.ListValues(list[:n]) {
			last = err
		}
		require.ErrorIs(t, last, format.ErrMalformed, n)
	}
}

func TestTimestamped(t *testing.T) {
	t.Parallel()
	ts, value, err := format.ParseTimestamped(format.AppendTimestamped(nil, -5, []byte("v")))
	require.NoError(t, err)
	require.EqualValues(t, -5, ts)
	require.Equal(t, "v", string(value))
}

// Whatever a topic holds, parsing ends in an answer that is written again alike.
func FuzzParse(f *testing.F) {
	f.Add([]byte("\x00\x02"))
	f.Add(format.AppendBufferRow(nil, row()))
	f.Add(format.AppendWithHeaders(nil, row().Context.Headers, 5, []byte("v")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := format.ParseSubscription(b); err == nil {
			require.Equal(t, b, format.AppendSubscription(nil, s))
		}
		if r, err := format.ParseResponse(b); err == nil {
			require.Equal(t, b, format.AppendResponse(nil, r))
		}
		if r, err := format.ParseBufferRow(b); err == nil {
			again, err := format.ParseBufferRow(format.AppendBufferRow(nil, r))
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
		for _, version := range [][]byte{nil, {1}, {2}} {
			_, _ = format.ParseBufferRecord(b, version, format.Context{})
		}
		_, _, _, _ = format.ParseWithHeaders(b)
		_, _, _ = format.ParseChange(b)
		_, _ = format.ParsePosition(b)
		for range format.ListValues(b) {
		}
	})
}
