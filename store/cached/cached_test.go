package cached_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

const plenty = 1 << 20

func TestOneUpdatePerKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, plenty)
	for i := range int64(3) {
		r.fold("k", none, i, increment)
	}
	require.Empty(t, r.sent, "nothing leaves before the flush")
	require.Equal(t, "-", r.stored("k", serde.Int64))
	require.Equal(t, "3@2", r.get("k"), "readers see what is not flushed")
	require.Equal(t, []string{"k 3<-- @2"}, r.flush())
	require.Equal(t, []string{`"k"="\x00\x00\x00\x00\x00\x00\x00\x03"@2`}, r.logged)
	require.Equal(t, "3@2", r.stored("k", serde.Int64))
	r.fold("k", none, 9, increment)
	require.Equal(t, []string{"k 4<-3 @9"}, r.flush(), "the old value is the flushed one")
	require.Empty(t, r.flush(), "once")
}

// Forwards and changelog in the order of the last change, as Kafka Streams; the
// store in the order of its keys.
func TestOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.String, plenty)
	for i, k := range []string{"c", "a", "b", "c", "d", "a"} {
		r.put(k, fmt.Sprint(i), int64(i))
	}
	require.Equal(t, []string{"b 2<-- @2", "c 3<-- @3", "d 4<-- @4", "a 5<-- @5"}, r.flush())
	require.Equal(t, []string{`"b"="2"@2`, `"c"="3"@3`, `"d"="4"@4`, `"a"="5"@5`}, r.logged)
	require.Equal(t, []string{`"a"`, `"b"`, `"c"`, `"d"`}, r.staged)
}

func TestDeletions(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, plenty)
	r.put("k", 1, 1)
	r.delete("k", 2)
	r.delete("other", 3)
	require.Equal(t, "-", r.get("k"))
	require.Empty(t, r.flush(), "what was never sent needs no deletion")
	require.Empty(t, r.logged)
	require.Zero(t, r.c.Len())

	r.put("k", 1, 4)
	r.flush()
	r.delete("k", 5)
	require.Equal(t, "-", r.get("k"))
	require.Equal(t, []string{"k -<-1 @5"}, r.flush(), "at the time of the record that deleted")
	require.Equal(t, []string{`"k"=""@5`}, r.logged)
	require.Equal(t, "-", r.stored("k", serde.Int64))

	r.put("k", 7, 6)
	r.flush()
	r.delete("k", 7)
	r.put("k", 8, 8)
	require.Equal(t, []string{"k 8<-7 @8"}, r.flush())
}

// Where nobody asks for old values, they are not looked for.
func TestNoOlds(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, plenty)
	r.c.Own(r, false)
	r.put("k", 1, 1)
	r.flush()
	r.put("k", 2, 2)
	require.Equal(t, []string{"k 2<-- @2"}, r.flush())
	r.delete("k", 3)
	require.Equal(t, []string{"k -<-- @3"}, r.flush())
}

func TestReadThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, plenty)
	require.NoError(t, store.NewTimestampedKV(r.engine, serde.String, serde.Int64).Put("k", 41, 5))
	require.Equal(t, "-", r.get("other"))
	require.Zero(t, r.c.Len(), "what is not there is not cached")
	require.Equal(t, "41@5", r.get("k"))
	require.Equal(t, 1, r.c.Len())
	r.fold("k", none, 6, increment)
	require.Equal(t, []string{"k 42<-41 @6"}, r.flush())
}

// The record that changed a key last is what those downstream see as the one under
// way; its headers are copied off the batch.
func TestContext(t *testing.T) {
	t.Parallel()
	r := newRig(t, tableSpec, serde.Int64, plenty)
	o := &observer{}
	r.c.Own(o, false)
	value := []byte("v")
	e, err := r.c.Cell("k", none)
	require.NoError(t, err)
	ctx := cached.Context{Topic: "in", Partition: 2, Offset: 7, Time: 5, Headers: []record.Header{{Key: "h", Value: value}}}
	require.NoError(t, r.c.Put(e, 1, 9, &ctx))
	value[0] = 'x'
	ctx.Offset = 8
	require.NoError(t, r.c.Flush())
	require.Equal(t, []string{"enter in/2/7@5 v", "forward k=1@9 from 7", "leave"}, o.seen)
}

type observer struct{ seen []string }

func (o *observer) Enter(c *cached.Context) {
	if c == nil {
		o.seen = append(o.seen, "leave")
		return
	}
	o.seen = append(o.seen, fmt.Sprintf("enter %s/%d/%d@%d %s", c.Topic, c.Partition, c.Offset, c.Time, c.Headers[0].Value))
}

func (o *observer) Forward(u *cached.Update[string, int64]) error {
	o.seen = append(o.seen, fmt.Sprintf("forward %s=%d@%d from %d", u.Key, u.New, u.Time, u.Context.Offset))
	return nil
}

func TestWindows(t *testing.T) {
	t.Parallel()
	r := newRig(t, windowSpec, serde.Int64, plenty)
	at := func(start int64) serde.Window { return serde.Window{Start: start} }
	r.fold("b", at(10_000), 12_000, increment)
	r.fold("a", at(10_000), 13_000, increment)
	r.fold("a", at(0), 3_000, increment)
	r.fold("b", at(10_000), 11_000, increment)
	require.Equal(t, []string{
		"a 1<-- @13000 [10000,20000]", "a 1<-- @3000 [0,10000]", "b 2<-- @11000 [10000,20000]",
	}, r.flush())
	r.fold("a", at(0), 4_000, increment)
	require.Equal(t, []string{"a 2<-1 @4000 [0,10000]"}, r.flush())
	// A jump of stream time expires what the store below holds.
	r.fold("a", at(3_600_000), 3_600_000, increment)
	r.flush()
	v, _, ok, err := r.c.Get("b", at(10_000))
	require.NoError(t, err)
	require.True(t, ok, "but what is cached may still be read: %v", v)
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	o := cached.Options[string, int64]{Keys: serde.String, Values: serde.Int64, Budget: cached.NewBudget(plenty)}
	e, err := memstore.New().Engine(tableSpec)
	require.NoError(t, err)
	_, err = cached.NewTable(e, sessionSpec, o)
	require.ErrorContains(t, err, "timestamped key-value")
	_, err = cached.NewWindow(e, tableSpec, o)
	require.ErrorContains(t, err, `"t"`)
	_, err = cached.NewSession(e, tableSpec, o)
	require.ErrorContains(t, err, `"t"`)
}

// Engines without a changelog, and those whose changelog cannot be written apart.
func TestOtherEngines(t *testing.T) {
	t.Parallel()
	spec := tableSpec
	spec.LoggingOff = true
	for _, s := range []store.Spec{spec, tableSpec} {
		r := newRig(t, s, serde.Int64, plenty)
		o := cached.Options[string, int64]{Keys: serde.String, Values: serde.Int64, Budget: r.budget}
		c, err := cached.NewTable(r.engine, s, o)
		require.NoError(t, err)
		r.c = c
		r.c.Own(r, true)
		r.put("b", 1, 1)
		r.put("a", 2, 2)
		require.Equal(t, []string{"b 1<-- @1", "a 2<-- @2"}, r.flush())
		require.Len(t, r.staged, 2)
		r.c.Own(nil, false)
		r.put("a", 3, 3)
		require.Empty(t, r.flush(), "a store for processors has nobody to tell")
		require.Equal(t, "3@3", r.stored("a", serde.Int64))
	}
}

var errBad = errors.New("bad")

// faulty is a serde that fails for one value.
type faulty struct{ serde.Serde[int64] }

func (f faulty) Append(dst []byte, v int64) ([]byte, error) {
	if v == 13 {
		return dst, errBad
	}
	return f.Serde.Append(dst, v)
}

func (f faulty) Decode(b []byte) (int64, error) {
	v, err := f.Serde.Decode(b)
	if v == 14 {
		err = errBad
	}
	return v, err
}

func TestFaults(t *testing.T) {
	t.Parallel()
	r := newRig[int64](t, tableSpec, faulty{serde.Int64}, plenty)
	r.put("k", 13, 1)
	require.ErrorIs(t, r.c.Flush(), errBad)

	r = newRig[int64](t, tableSpec, faulty{serde.Int64}, plenty)
	require.NoError(t, store.NewTimestampedKV(r.engine, serde.String, serde.Int64).Put("k", 14, 1))
	_, _, _, err := r.c.Get("k", none)
	require.ErrorIs(t, err, errBad)
	_, err = r.c.Load("k", none)
	require.ErrorIs(t, err, errBad)
	r.put("k", 1, 1)
	require.ErrorIs(t, r.c.Flush(), errBad, "the old value")

	r = newRig[int64](t, tableSpec, faulty{serde.Int64}, plenty)
	r.c.Own(failing{}, false)
	r.put("k", 1, 1)
	require.ErrorIs(t, r.c.Flush(), errBad, "from downstream")

	e, err := memstore.New().Engine(tableSpec)
	require.NoError(t, err)
	full := changelog.Log(e, tableSpec, func() int64 { return 0 }, func(_, _ []byte, _ int64) error { return errBad })
	r.c, err = cached.NewTable(full, tableSpec, cached.Options[string, int64]{Keys: serde.String, Values: serde.Int64, Budget: r.budget})
	require.NoError(t, err)
	r.put("k", 1, 1)
	require.ErrorIs(t, r.c.Flush(), errBad, "from the changelog")
}

type failing struct{}

func (failing) Enter(*cached.Context)                       {}
func (failing) Forward(*cached.Update[string, int64]) error { return errBad }
