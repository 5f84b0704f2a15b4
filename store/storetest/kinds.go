package storetest

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
)

// kind is one kind of store as an operator uses it: how it is written and what of it
// can be seen.
type kind struct {
	spec store.Spec
	// writer returns a function that writes entry i at a time in ms.
	writer func(e store.Engine) (func(i int, at int64) error, error)
	// content is all that a reader sees, as text.
	content func(e store.Engine) (map[string]string, error)
}

// kinds are those that there are. Each is small: what matters is at which point the
// power goes, not how much there is.
func kinds() []kind {
	return []kind{
		keyValue(), timestamped(), windows(), sessions(),
		duplicates(), versions(), lru(), lists(), buffer(), graceBuffer(),
	}
}

const retention = 10 * time.Minute

func key(i int) string { return fmt.Sprintf("key %d", i%7) }

func keyValue() kind {
	view := func(e store.Engine) *store.KV[string, int64] { return store.NewKV(e, text{}, long{}) }
	return kind{
		spec: store.Spec{Name: "kv", Kind: store.KindKeyValue},
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v := view(e)
			return func(i int, at int64) error {
				if i%11 == 10 {
					return v.Delete(key(i))
				}
				return v.Put(key(i), at)
			}, nil
		},
		content: func(e store.Engine) (map[string]string, error) { return texts(view(e).All()) },
	}
}

func timestamped() kind {
	view := func(e store.Engine) *store.TimestampedKV[string, int64] {
		return store.NewTimestampedKV(e, text{}, long{})
	}
	return kind{
		spec: store.Spec{Name: "table", Kind: store.KindKeyValue, Timestamped: true},
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v := view(e)
			return func(i int, at int64) error { return v.Put(key(i), int64(i), at) }, nil
		},
		content: func(e store.Engine) (map[string]string, error) { return texts(view(e).All()) },
	}
}

func windows() kind {
	spec := store.Spec{Name: "windows", Kind: store.KindWindow, Timestamped: true, WindowSize: time.Minute, Retention: retention}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewWindow(e, spec, text{}, long{})
			return func(i int, at int64) error { return v.Put(key(i), at/60_000*60_000, int64(i), at) }, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := store.NewWindow(e, spec, text{}, long{})
			if err != nil {
				return nil, err
			}
			return texts(v.All())
		},
	}
}

func sessions() kind {
	spec := store.Spec{Name: "sessions", Kind: store.KindSession, Retention: retention}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewSession(e, spec, text{}, long{})
			return func(i int, at int64) error {
				if i%5 == 4 {
					return v.Remove(key(i-1), at-4_000, at-3_000)
				}
				return v.Put(key(i), at-1000, at, int64(i))
			}, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := store.NewSession(e, spec, text{}, long{})
			if err != nil {
				return nil, err
			}
			return texts(v.All())
		},
	}
}

// texts collects entries under numbers, since views yield them in an order.
func texts[E any](all iter.Seq2[E, error]) (map[string]string, error) {
	out := map[string]string{}
	for e, err := range all {
		if err != nil {
			return nil, err
		}
		out[fmt.Sprint(len(out))] = fmt.Sprintf("%v", e)
	}
	return out, nil
}

// entry is one record of a changelog.
type entry struct {
	key, value []byte
	ts         int64
	headers    []record.Header
}

// journal is a changelog topic in memory, and the writer that fills it.
type journal struct {
	kind
	entries []entry
	write   func(i int, at int64) error
}

// newJournal logs what is written to e from now on.
func newJournal(k kind, e store.Engine) (*journal, error) {
	j := &journal{kind: k}
	now := func() int64 { return int64(len(j.entries)) }
	logged := changelog.Write(e, k.spec, changelog.Context{Now: now}, func(r *changelog.Record) error {
		j.entries = append(j.entries, entry{clone(r.Key), clone(r.Value), r.Time, slices.Clone(r.Headers)})
		return nil
	})
	var err error
	j.write, err = k.writer(logged)
	return j, err
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// mutations are the records from <= offset < to, for restoring.
func (j *journal) mutations(from, to int) (muts []store.Mutation, err error) {
	decoder := changelog.NewDecoder(j.spec)
	for _, r := range j.entries[from:to] {
		decoded, err := decoder.Mutations(r.key, r.value, r.ts, r.headers...)
		if err != nil {
			return nil, err
		}
		for _, m := range decoded {
			muts = append(muts, store.Mutation{Key: clone(m.Key), Value: clone(m.Value)})
		}
	}
	return muts, nil
}

// fold is what a store should show at an offset of its changelog.
func (j *journal) fold(offset int) (map[string]string, error) {
	db := memstore.New()
	defer db.Close()
	e, err := db.Engine(j.spec)
	if err != nil {
		return nil, err
	}
	muts, err := j.mutations(0, offset)
	if err != nil {
		return nil, err
	}
	if err := db.Apply(j.spec.Name, muts, nil); err != nil {
		return nil, err
	}
	return j.content(e)
}

// text and long stand in for the serdes of package serde.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(b []byte) (string, error)             { return string(b), nil }

type long struct{}

func (long) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (long) Decode(b []byte) (int64, error) { return int64(binary.BigEndian.Uint64(b)), nil }
