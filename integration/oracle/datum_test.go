package oracle

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/streams/serde"
)

// val is a value of the vectors' little type system; nil is null.
type val struct {
	kind  byte // 's' string, 'n' long, 'b' bytes, 'w' windowed
	s     string
	n     int64
	inner *val
	start int64
	end   int64
}

func text(s string) *val { return &val{kind: 's', s: s} }
func long(n int64) *val  { return &val{kind: 'n', n: n} }

// str is the registry's str(x).
func str(v *val) string {
	switch {
	case v == nil:
		return "null"
	case v.kind == 'n':
		return strconv.FormatInt(v.n, 10)
	case v.kind == 'w':
		return fmt.Sprintf("%s@%d/%d", str(v.inner), v.start, v.end)
	default:
		return v.s
	}
}

// num is a long, null counting as zero.
func num(v *val) int64 {
	if v == nil {
		return 0
	}
	return v.n
}

// sval is a string, null counting as empty.
func sval(v *val) string {
	if v == nil {
		return ""
	}
	return str(v)
}

// datum is a serde for one declared type of the vectors, with a null of its own.
type datum struct{ typ string }

func (d datum) Null() *val         { return nil }
func (d datum) IsNull(v *val) bool { return v == nil }

func (d datum) Append(dst []byte, v *val) ([]byte, error) {
	switch {
	case v == nil:
		return nil, fmt.Errorf("a null reached the serde of %s", d.typ)
	case d.typ == "long" && v.kind == 'n':
		return binary.BigEndian.AppendUint64(dst, uint64(v.n)), nil
	case (d.typ == "string" || d.typ == "bytes") && (v.kind == 's' || v.kind == 'b'):
		return append(dst, v.s...), nil
	case v.kind == 'w':
		return d.appendWindowed(dst, v)
	}
	return nil, fmt.Errorf("a %c is no %s", v.kind, d.typ)
}

func (d datum) appendWindowed(dst []byte, v *val) ([]byte, error) {
	kind, inner, _ := strings.Cut(d.typ, ":")
	inner, _, _ = strings.Cut(inner, ":")
	dst, err := datum{inner}.Append(dst, v.inner)
	if err != nil {
		return nil, err
	}
	if kind == "session" {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.end))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(v.start)), nil
}

func (d datum) Decode(b []byte) (*val, error) {
	switch {
	case d.typ == "long":
		if len(b) != 8 {
			return nil, errors.New("Size of data received by LongDeserializer is not 8") // as Kafka's serde says
		}
		return long(int64(binary.BigEndian.Uint64(b))), nil
	case d.typ == "string" || d.typ == "bytes":
		return text(string(b)), nil
	}
	return d.decodeWindowed(b)
}

func (d datum) decodeWindowed(b []byte) (*val, error) {
	kind, rest, _ := strings.Cut(d.typ, ":")
	inner, size, _ := strings.Cut(rest, ":")
	tail := 8
	if kind == "session" {
		tail = 16
	}
	if len(b) < tail {
		return nil, fmt.Errorf("a windowed key of %d bytes", len(b))
	}
	k, err := datum{inner}.Decode(b[:len(b)-tail])
	w := &val{kind: 'w', inner: k, start: int64(binary.BigEndian.Uint64(b[len(b)-8:]))}
	if kind == "session" {
		w.end = int64(binary.BigEndian.Uint64(b[len(b)-16:]))
	} else {
		ms, _ := strconv.ParseInt(size, 10, 64)
		w.end = w.start + ms
	}
	return w, err
}

// windowed is the datum of a typed windowed key.
func windowed(w serde.Windowed[*val]) *val {
	return &val{kind: 'w', inner: w.Key, start: w.Window.Start, end: w.Window.End}
}

// literal is an input datum of a vector: a string, an integer, null, or raw bytes.
type literal struct{ v *val }

func (l *literal) UnmarshalJSON(b []byte) error {
	var datum any
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	if err := dec.Decode(&datum); err != nil {
		return err
	}
	switch x := datum.(type) {
	case string:
		l.v = text(x)
	case json.Number:
		n, err := x.Int64()
		l.v = long(n)
		return err
	case map[string]any:
		return l.structured(x)
	}
	return nil
}

func (l *literal) structured(m map[string]any) error {
	if h, ok := m["hex"].(string); ok {
		raw, err := hexBytes(h)
		l.v = &val{kind: 'b', s: string(raw)}
		return err
	}
	k := literal{}
	b, _ := json.Marshal(m["k"])
	if err := k.UnmarshalJSON(b); err != nil {
		return err
	}
	start, _ := m["start"].(json.Number).Int64()
	end, _ := m["end"].(json.Number).Int64()
	l.v = &val{kind: 'w', inner: k.v, start: start, end: end}
	return nil
}

// windowedSerde is the serde of a windowed key of a declared type.
type windowedSerde struct{ typ string }

// Append writes the key as Kafka's windowed serializers do.
func (s windowedSerde) Append(dst []byte, w serde.Windowed[*val]) ([]byte, error) {
	return datum(s).Append(dst, windowed(w))
}

// Decode reads it back.
func (s windowedSerde) Decode(b []byte) (w serde.Windowed[*val], err error) {
	v, err := datum(s).Decode(b)
	if err != nil {
		return w, err
	}
	return serde.Windowed[*val]{Key: v.inner, Window: serde.Window{Start: v.start, End: v.end}}, nil
}
