package changelog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/millrace/millrace/store"
)

// ErrNullKey says that a changelog record has no key. No writer of changelogs makes
// one; something else writes to the topic.
var ErrNullKey = errors.New("changelog record without a key")

// Decoder turns records of one store's changelog into mutations of its engine. It
// is not safe for concurrent use.
type Decoder struct {
	spec  store.Spec
	keys  keys
	value []byte
}

// NewDecoder is a decoder for the changelog of that store.
func NewDecoder(spec store.Spec) *Decoder { return &Decoder{spec: spec, keys: newKeys(spec)} }

// Mutation decodes one record: its key, its value (nil is a deletion) and its
// timestamp in ms. The result aliases the decoder's buffers or the record's bytes
// and is valid until the next call. The caller adds topic and offset to an error.
func (d *Decoder) Mutation(key, value []byte, ts int64) (store.Mutation, error) {
	if key == nil {
		return store.Mutation{}, fmt.Errorf("store %q: %w", d.spec.Name, ErrNullKey)
	}
	local, err := d.keys.local(key)
	if err != nil {
		return store.Mutation{}, fmt.Errorf("store %q: a %v changelog key of %d bytes: %w", d.spec.Name, d.spec.Kind, len(key), err)
	}
	if value == nil || !d.spec.Timestamped {
		return store.Mutation{Key: local, Value: value}, nil
	}
	d.value = append(binary.BigEndian.AppendUint64(d.value[:0], uint64(ts)), value...)
	return store.Mutation{Key: local, Value: d.value}, nil
}
