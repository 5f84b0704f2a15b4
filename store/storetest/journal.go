package storetest

import (
	"slices"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
)

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
