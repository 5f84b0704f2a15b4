package viewtest

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
)

// Machine is where the state of one program lives.
type Machine struct {
	// Open opens the state, again after Close if it Keeps it.
	Open  func() (store.DB, error)
	Keeps bool
}

// subject is one kind of store: its view, and the model beside it.
type subject interface {
	// attach makes a new view over an engine, as after a start.
	attach(p *program, e store.Engine)
	// write and read do one random thing and compare what comes back.
	write(p *program)
	read(p *program)
	// flush writes out what the view holds back, as before a commit.
	flush(p *program)
	// keep remembers the model as it is, recall goes back to it.
	keep()
	recall()
}

// subjects are the kinds by name.
func subjects() map[string]func() (store.Spec, subject) {
	return map[string]func() (store.Spec, subject){
		"key-value": plainValues, "timestamped": timedValues, "lru": plainLRU, "timestamped-lru": timedLRU, "ttl": expiringValues,
		"window": timedWindows, "plain-window": plainWindows, "duplicates": duplicateWindows, "session": sessionStore,
		"versioned": versionedStore, "list": listStore, "buffer": bufferStore, "grace": graceStore,
	}
}

// Kinds is the number of kinds that Run goes through.
func Kinds() int { return len(subjects()) }

// Run runs so many programs of so many steps for every kind, from the seed on.
func Run(t *testing.T, newMachine func(t *testing.T) Machine, seed uint64, programs, steps int) {
	t.Helper()
	for name, subject := range subjects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range uint64(programs) {
				spec, s := subject()
				if !run(t, newMachine(t), spec, s, seed+i, steps) {
					t.Fatalf("viewtest: kind %s, seed %d, %d steps", name, seed+i, steps)
				}
			}
		})
	}
}

// RunSeed runs one program again.
func RunSeed(t *testing.T, m Machine, kind string, seed uint64, steps int) {
	t.Helper()
	spec, s := subjects()[kind]()
	run(t, m, spec, s, seed, steps)
}

// program is one run.
type program struct {
	t     *testing.T
	rng   *rand.Rand
	m     Machine
	spec  store.Spec
	db    store.DB
	clock int64 // ms: time mostly goes on, and is a record's

	log       []logged
	committed int // records that belong to the last commit
}

// logged is one record of the changelog.
type logged struct {
	key, value []byte
	ts         int64
	headers    []record.Header
}

// run reports whether all was well; a failed comparison ends the test.
func run(t *testing.T, m Machine, spec store.Spec, s subject, seed uint64, steps int) bool {
	t.Helper()
	p := &program{t: t, rng: rand.New(rand.NewPCG(seed, 2)), m: m, spec: spec, clock: 1_000_000}
	defer func() {
		if t.Failed() {
			t.Logf("viewtest: store %s, seed %d, %d steps", spec.Name, seed, steps)
		}
	}()
	p.open(s)
	s.keep()
	for range steps {
		p.step(s)
	}
	p.restore(s)
	require.NoError(t, p.db.Close())
	return true
}

func (p *program) step(s subject) {
	p.clock += p.rng.Int64N(3000)
	switch n := p.rng.IntN(100); {
	case n < 55:
		s.write(p)
	case n < 92:
		s.read(p)
	case n < 96:
		p.commit(s)
	case n < 97:
		p.rollback(s)
	case n < 98 && p.m.Keeps:
		p.reopen(s)
	case n < 99:
		p.restore(s)
	}
}

func (p *program) open(s subject) {
	db, err := p.m.Open()
	require.NoError(p.t, err)
	p.db = db
	p.attach(s, db, p.record)
}

// attach gives the subject an engine that logs.
func (p *program) attach(s subject, db store.DB, emit func(*changelog.Record) error) {
	e, err := db.Engine(p.spec)
	require.NoError(p.t, err)
	now := func() int64 { return p.clock }
	s.attach(p, changelog.Write(e, p.spec, changelog.Context{Now: now}, emit))
}

func (p *program) record(r *changelog.Record) error {
	p.log = append(p.log, logged{clone(r.Key), clone(r.Value), r.Time, r.Headers})
	return nil
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func (p *program) commit(s subject) {
	s.flush(p)
	require.NoError(p.t, p.db.Commit(store.Position{"log": int64(len(p.log))}))
	p.committed = len(p.log)
	s.keep()
}

func (p *program) rollback(s subject) {
	p.db.Rollback()
	p.log = p.log[:p.committed]
	s.recall()
	p.attach(s, p.db, p.record)
	s.read(p)
}

func (p *program) reopen(s subject) {
	require.NoError(p.t, p.db.Close())
	p.log = p.log[:p.committed]
	s.recall()
	p.open(s)
	s.read(p)
}

// restore builds the store anew from its changelog, and reads that one. A bounded
// timestamped store does not log what it evicts, so that some of it comes back.
func (p *program) restore(s subject) {
	p.commit(s)
	if p.spec.Kind == store.KindLRU && p.spec.Timestamped {
		return
	}
	db := memstore.New()
	_, err := db.Engine(p.spec)
	require.NoError(p.t, err)
	decoder := changelog.NewDecoder(p.spec)
	for _, r := range p.log {
		muts, err := decoder.Mutations(r.key, r.value, r.ts, r.headers...)
		require.NoError(p.t, err)
		require.NoError(p.t, db.Apply(p.spec.Name, muts, nil))
	}
	p.attach(s, db, func(*changelog.Record) error { return nil })
	for range 10 {
		s.read(p)
	}
	p.attach(s, p.db, p.record)
}

// key is one of a few, which extend each other and hold zero bytes.
func (p *program) key() string {
	return []string{"", "\x00", "a", "a\x00", "ab", "b", "\xff", "\xff\xff"}[p.rng.IntN(8)]
}

func (p *program) value() int64 { return p.rng.Int64N(1000) }

func (p *program) one(in int) bool { return p.rng.IntN(in) == 0 }

// past is a time that is mostly recent, and now and then too old for the store.
func (p *program) past(span int64) int64 {
	if p.one(20) {
		span *= 3
	}
	return max(0, p.clock-p.rng.Int64N(span))
}

func (p *program) span() store.Span[string] {
	var s store.Span[string]
	if !p.one(4) {
		s.From = record.Some(p.key())
	}
	if !p.one(4) {
		s.To = record.Some(p.key())
	}
	return s
}

// holds is what a span means.
func holds(s store.Span[string], key string) bool {
	return (!s.From.OK || s.From.V <= key) && (!s.To.OK || key <= s.To.V)
}

// same compares a sequence with what it should be.
func same[E any](p *program, want []E, seq iter.Seq2[E, error], what string, args ...any) {
	p.t.Helper()
	got := []E{}
	for e, err := range seq {
		require.NoError(p.t, err)
		got = append(got, e)
	}
	if want == nil {
		want = []E{}
	}
	require.Equal(p.t, want, got, append([]any{what}, args...)...)
}

type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(b []byte) (string, error)             { return string(b), nil }

type long struct{}

func (long) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (long) Decode(b []byte) (int64, error) { return int64(binary.BigEndian.Uint64(b)), nil }
