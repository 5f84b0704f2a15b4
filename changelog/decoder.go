package changelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/record"
)

// ErrNullKey says that a changelog record has no key. No writer of changelogs makes
// one; something else writes to the topic.
var ErrNullKey = errors.New("changelog record without a key")

// Decoder turns records of one store's changelog into mutations of its engine. It
// is not safe for concurrent use. Records come in the order of the topic.
type Decoder struct {
	spec     store.Spec
	keys     keys
	value    []byte
	index    []byte
	observed int64 // ms, the highest time of a version
	out      [2]store.Mutation
}

// NewDecoder is a decoder for the changelog of that store.
func NewDecoder(spec store.Spec) *Decoder {
	return &Decoder{spec: spec, keys: newKeys(spec), observed: math.MinInt64}
}

// Mutations decodes one record: its key, its value (nil is a deletion), its
// timestamp in ms and its headers, which only suppress buffers look at. A version
// is two mutations, or none if Kafka Streams logged it but left it out because it
// came too late; so is an entry of a store with a TTL; everything else is one. The result aliases the decoder's buffers or
// the record's bytes and is valid until the next call. The caller adds topic and
// offset to an error.
func (d *Decoder) Mutations(key, value []byte, ts int64, headers ...record.Header) ([]store.Mutation, error) {
	if key == nil {
		return nil, fmt.Errorf("store %q: %w", d.spec.Name, ErrNullKey)
	}
	local, err := d.keys.local(key, ts)
	if err != nil {
		return nil, fmt.Errorf("store %q: a %v changelog key of %d bytes: %w", d.spec.Name, d.spec.Kind, len(key), err)
	}
	d.out[0] = store.Mutation{Key: local, Value: value}
	switch {
	case d.spec.Kind == store.KindVersioned:
		return d.version(key, value, ts), nil
	case value == nil:
	case d.spec.Timestamped:
		d.value = append(binary.BigEndian.AppendUint64(d.value[:0], uint64(ts)), value...)
		d.out[0].Value = d.value
		if d.spec.TTL > 0 {
			d.index = keyenc.AppendExpiry(d.index[:0], keyenc.Segment(ts, d.spec.TTLInterval()), key)
			d.out[1] = store.Mutation{Key: d.index, Value: []byte{}}
			return d.out[:], nil
		}
	case d.spec.Kind == store.KindBuffer:
		if err := d.buffered(value, ts, headers); err != nil {
			return nil, fmt.Errorf("store %q: a changelog value of %d bytes: %w", d.spec.Name, len(value), err)
		}
	}
	return d.out[:1], nil
}

// version makes the row of a version and its entry in the index.
func (d *Decoder) version(key, value []byte, ts int64) []store.Mutation {
	history := d.spec.History.Milliseconds()
	if d.observed >= math.MinInt64+history && ts < d.observed-history {
		return nil
	}
	d.observed = max(d.observed, ts)
	d.value = store.AppendLoggedVersion(d.value[:0], value)
	d.index = keyenc.AppendVersionIndex(d.index[:0], ts, key)
	d.out[0].Value = d.value
	d.out[1] = store.Mutation{Key: d.index, Value: []byte{}}
	return d.out[:]
}

// buffered brings a suppress buffer's row into the format of this release. A record
// without a version is of the oldest one, or has lost its headers.
func (d *Decoder) buffered(value []byte, ts int64, headers []record.Header) error {
	var version []byte
	for _, h := range headers {
		if h.Key == format.VersionHeader {
			version = h.Value
		}
	}
	row, err := format.ParseBufferRecord(value, version, format.Context{Time: ts, Headers: headers})
	if err != nil && version == nil {
		row, err = format.ParseBufferRow(value)
	}
	if err != nil {
		return err
	}
	d.value = format.AppendBufferRow(d.value[:0], row)
	d.out[0].Value = d.value
	return nil
}
