package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// customerOf is the foreign key of an order "customer:rest"; "-" is none.
func customerOf(_, order string) (string, bool) {
	c, _, _ := strings.Cut(order, ":")
	return c, c != "-"
}

// foreignBench is a join by a foreign key without topics between its parts: what one
// part sends, the next gets at once, through bytes as on the wire.
type foreignBench struct {
	*bench
	left, right Sink[string, string]
	asked       []string // "key=instruction" of each subscription
	told        int      // answers
}

func newForeignBench(t testing.TB, left bool) *foreignBench {
	b := &foreignBench{bench: newBench(t)}
	orders, customers := tableStore(t, serde.String), tableStore(t, serde.String)
	spec := store.SubscriptionsSpec()
	spec.Name = "subscriptions"
	subs := store.NewSubscriptions(engineOf(t, spec))
	join := func(_ string, order string, c record.Opt[string]) string { return order + "+" + c.V }
	resolve := ForeignJoin(&b.env, orders.Get, serde.String, left, join, collect[string, string](b.bench))
	back := OutAnswers(serde.String, func(partition int32, key, value []byte, time int64, h *record.Headers) error {
		require.EqualValues(t, 7, partition)
		b.told++
		wire := Answers(serde.String)
		a, err := wire.Decode(append([]byte(nil), value...))
		if err != nil {
			return err
		}
		return resolve(&record.Record[string, Answer[string]]{Key: string(key), Value: a, Time: time, Headers: h})
	})
	answer := ReceiveSubscriptions(&b.env, subs, serde.String, AnswerSubscriptions(&b.env, customers.Get, back))
	ask := func(r *record.Record[string, format.Subscription]) error {
		b.asked = append(b.asked, fmt.Sprintf("%s=%d", show(r.Key, r.NoKey), r.Value.Instruction))
		wire := Subscriptions()
		raw, err := wire.Append(nil, r.Value)
		require.NoError(t, err)
		s, err := wire.Decode(raw)
		require.NoError(t, err)
		return answer(&record.Record[string, format.Subscription]{Key: r.Key, NoKey: r.NoKey, Value: s, Time: r.Time, Headers: r.Headers})
	}
	b.env.Cur.Partition = 7
	b.left = TableSource(&b.env, orders, Subscribe(&b.env, customerOf, left, serde.String, serde.String, serde.String, ask))
	b.right = TableSource(&b.env, customers, TellSubscribers(&b.env, subs, serde.String, back))
	return b
}

func (b *foreignBench) order(k, v string, ts int64) []string    { return b.feed(b.left, k, v, ts) }
func (b *foreignBench) customer(k, v string, ts int64) []string { return b.feed(b.right, k, v, ts) }

// feed sends a row, or a deletion if the value is empty, and returns what came out.
func (b *foreignBench) feed(to Sink[string, string], k, v string, ts int64) []string {
	b.t.Helper()
	b.asked, b.told = nil, 0
	r := rec(k, v, ts)
	r.Null = v == ""
	require.NoError(b.t, to(r))
	return b.take()
}

// TestForeignJoinInner goes through what can happen to a row on either side.
func TestForeignJoinInner(t *testing.T) {
	t.Parallel()
	b := newForeignBench(t, false)
	require.Empty(t, b.order("o1", "ann:1", 10))
	require.Equal(t, []string{"ann=3"}, b.asked)
	require.Equal(t, []string{"o1=ann:1+Ann~20"}, b.customer("ann", "Ann", 20))
	require.Equal(t, []string{"o2=ann:2+Ann~20"}, b.order("o2", "ann:2", 5), "the later time")
	require.Equal(t, []string{"o1=ann:1+Anna~7", "o2=ann:2+Anna~7"}, b.customer("ann", "Anna", 7), "the change's time, by key")
	require.Equal(t, []string{"o1=-~30"}, b.order("o1", "bob:1", 30), "what it referred to is not there")
	require.Equal(t, []string{"ann=0", "bob=2"}, b.asked)
	require.Equal(t, []string{"o1=bob:1+Bob~40"}, b.customer("bob", "Bob", 40))
	require.Equal(t, []string{"o1=bob:9+Bob~50"}, b.order("o1", "bob:9", 50))
	require.Equal(t, []string{"bob=3"}, b.asked, "the foreign key stays")
	require.Equal(t, []string{"o1=-~60"}, b.customer("bob", "", 60))
	require.Equal(t, []string{"o2=-~70"}, b.order("o2", "-:2", 70))
	require.Equal(t, []string{"ann=1"}, b.asked)
	require.Equal(t, []string{SkipForeignKey}, b.skipped)
	require.Empty(t, b.order("o3", "-", 71), "it never referred to any")
	require.Empty(t, b.asked)
	require.Empty(t, b.order("o2", "", 72))
	require.Equal(t, []string{"o1=-~80"}, b.order("o1", "", 80))
	require.Equal(t, []string{"bob=1"}, b.asked)
	require.Empty(t, b.customer("bob", "Bob", 90), "nobody refers to it any more")
	require.Empty(t, b.order("nobody", "", 91))
}

// TestForeignJoinLeft has a result for every row.
func TestForeignJoinLeft(t *testing.T) {
	t.Parallel()
	b := newForeignBench(t, true)
	require.Equal(t, []string{"o1=ann:1+~10"}, b.order("o1", "ann:1", 10))
	require.Equal(t, []string{"ann=2"}, b.asked)
	require.Equal(t, []string{"o1=ann:1+Ann~20"}, b.customer("ann", "Ann", 20))
	require.Equal(t, []string{"o1=ann:1+~25"}, b.customer("ann", "", 25))
	require.Equal(t, []string{"o1=-:1+~30"}, b.order("o1", "-:1", 30))
	require.Equal(t, []string{"ann=0", "-=2"}, b.asked, "it is answered though it asks nobody")
	require.Empty(t, b.skipped)
	require.Equal(t, []string{"o1=-~40"}, b.order("o1", "", 40))
	require.Equal(t, []string{"-=2"}, b.asked)
	require.Empty(t, b.order("o1", "", 50))
	require.Empty(t, b.asked, "there was nothing to delete")
}

// TestAnOutdatedAnswerIsDropped: the row has changed since it asked.
func TestAnOutdatedAnswerIsDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rows := tableStore(t, serde.String)
	s := ForeignJoin(&b.env, rows.Get, serde.String, true, func(_, v string, c record.Opt[string]) string { return v + c.V }, collect[string, string](b))
	answer := func(to string) *record.Record[string, Answer[string]] {
		a := Answer[string]{Value: "c", Has: true}
		if to != "" {
			a.Hash, a.HasHash = format.HashOf([]byte(to)), true
		}
		return rec("k", a, 5)
	}
	require.NoError(t, s(answer("new")))
	require.NoError(t, rows.Put("k", "new", 1))
	require.NoError(t, s(answer("old")))
	require.NoError(t, s(answer("")))
	require.Equal(t, []string{SkipOutdated, SkipOutdated, SkipOutdated}, b.skipped)
	require.NoError(t, s(answer("new")))
	require.Equal(t, []string{"k=newc~5"}, b.take())
	require.NoError(t, rows.Delete("k"))
	require.NoError(t, s(answer("")))
	require.Equal(t, []string{"k=-~5"}, b.take(), "a deletion finds no row")
}

func TestForeignJoinSkips(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stale := rec("k", Change[string]{New: "ann:1", Has: true, Stale: true}, 1)
	for _, left := range []bool{true, false} {
		ask := Subscribe(&b.env, customerOf, left, serde.String, serde.String, serde.String, drop[string, format.Subscription])
		require.NoError(t, ask(stale))
	}
	spec := store.SubscriptionsSpec()
	spec.Name = "s"
	subs := store.NewSubscriptions(engineOf(t, spec))
	tell := TellSubscribers(&b.env, subs, serde.String, drop[[]byte, Answer[string]])
	require.NoError(t, tell(stale))
	noKey := rec("", Change[string]{}, 1)
	noKey.NoKey = true
	require.NoError(t, tell(noKey))
	receive := ReceiveSubscriptions(&b.env, subs, serde.String, collect[string, format.Subscription](b))
	require.NoError(t, receive(&record.Record[string, format.Subscription]{NoKey: true, Value: format.Subscription{Instruction: format.AnswerIfPresent}}))
	require.Equal(t, []string{SkipStale, SkipStale, SkipStale, SkipNullKey, SkipNullKey}, b.skipped)
	require.Empty(t, b.out)
}

// TestForeignKeysThatAreNil refer to no row, whatever the function's second result says.
func TestForeignKeysThatAreNil(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ask := Subscribe(&b.env, func(_, _ string) (*string, bool) { return nil, true }, false, serde.String, serde.String, texts, drop[*string, format.Subscription])
	require.NoError(t, ask(rec("k", Change[string]{New: "v", Has: true}, 1)))
	require.Equal(t, []string{SkipForeignKey}, b.skipped)
}

func TestDamagedSubscriptionsAreErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := store.SubscriptionsSpec()
	spec.Name = "s"
	subs := store.NewSubscriptions(engineOf(t, spec))
	require.NoError(t, subs.Put([]byte("f"), []byte("p"), []byte{9}, 1))
	tell := TellSubscribers(&b.env, subs, serde.String, drop[[]byte, Answer[string]])
	require.ErrorIs(t, tell(rec("f", Change[string]{New: "v", Has: true}, 1)), store.ErrCorrupt)
	_, err := Subscriptions().Decode([]byte{1})
	require.ErrorIs(t, err, format.ErrMalformed)
	_, err = Answers(serde.Int64).Decode([]byte{0x80, 1, 2})
	require.Error(t, err)
	fault := errors.New("fault")
	get := func(string) (string, int64, bool, error) { return "", 0, false, fault }
	require.ErrorIs(t, AnswerSubscriptions(&b.env, get, drop[[]byte, Answer[string]])(rec("f", format.Subscription{Instruction: format.AnswerAlways}, 1)), fault)
	require.ErrorIs(t, ForeignJoin(&b.env, get, serde.String, true, func(_, v string, _ record.Opt[string]) string { return v }, drop[string, string])(rec("f", Answer[string]{}, 1)), fault)
}

// TestForeignJoinAllocatesNothing on either way, once its buffers have grown.
func TestForeignJoinAllocatesNothing(t *testing.T) {
	b := newBench(t)
	spec := store.SubscriptionsSpec()
	spec.Name = "s"
	subs := store.NewSubscriptions(engineOf(t, spec))
	out := OutAnswers(serde.Int64, func(int32, []byte, []byte, int64, *record.Headers) error { return nil })
	get := func(string) (int64, int64, bool, error) { return 1, 0, true, nil }
	fk := func(k string, _ int64) (string, bool) { return k[:1], true }
	ask := Subscribe(&b.env, fk, false, serde.String, serde.Int64, serde.String,
		ReceiveSubscriptions(&b.env, subs, serde.String, AnswerSubscriptions(&b.env, get, out)))
	tell := TellSubscribers(&b.env, subs, serde.String, out)
	resolve := ForeignJoin(&b.env, get, serde.Int64, false, func(_ string, l int64, r record.Opt[int64]) int64 { return l + r.V }, drop[string, int64])
	change := rec("key", Change[int64]{New: 1, Has: true, Old: 2, Had: true}, 120)
	theirs := rec("k", Change[int64]{New: 1, Has: true}, 120)
	hash, has, err := (&hasher[int64]{serde: serde.Int64}).of(1, true)
	require.NoError(t, err)
	back := rec("key", Answer[int64]{Hash: hash, HasHash: has, Value: 1, Has: true}, 120)
	for name, f := range map[string]func() error{
		"ask": func() error { return ask(change) }, "tell": func() error { return tell(theirs) }, "resolve": func() error { return resolve(back) },
	} {
		require.NoError(t, f())
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = f() }), name)
	}
	require.Empty(t, b.skipped)
}
