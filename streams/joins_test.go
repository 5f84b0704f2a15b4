package streams_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// TestJoinsReportFaultsWithTheirPlace builds programs that Kafka Streams rejects, too.
func TestJoinsReportFaultsWithTheirPlace(t *testing.T) {
	t.Parallel()
	other := streams.NewBuilder()
	for name, c := range map[string]struct {
		declare func(*streams.Builder)
		fault   string
	}{
		"table of another builder": {func(b *streams.Builder) { b.Table(orders).Join(other.Table(payments), pair) }, "another builder"},
		"stream of another builder": {func(b *streams.Builder) {
			b.Stream(orders).Join(other.Stream(payments), streams.Within(time.Second), pair)
		}, "another builder"},
		"negative grace": {func(b *streams.Builder) {
			b.Stream(orders).Join(b.Stream(payments), streams.Within(time.Second).Grace(-1), pair)
		}, "the grace -1ns is negative"},
		"empty window": {func(b *streams.Builder) {
			b.Stream(orders).Join(b.Stream(payments), streams.Within(0).Before(-time.Second), pair)
		}, "is negative"},
		"grace without versions": {func(b *streams.Builder) {
			b.Stream(orders).JoinTable(b.Table(payments), pair, streams.WithGrace(time.Second))
		}, "needs a versioned table"},
		"grace beyond history": {func(b *streams.Builder) {
			b.Stream(orders).JoinTable(b.Table(payments, streams.WithHistory(time.Second)), pair, streams.WithGrace(time.Minute))
		}, "longer than the table's history"},
		"window close without windows": {func(b *streams.Builder) {
			b.Table(orders).Suppress(streams.UntilWindowCloses())
		}, "has no windows"},
		"early final results": {func(b *streams.Builder) {
			b.Stream(orders).GroupByKey().WindowedBy(streams.Tumbling(time.Second)).Count().
				Suppress(streams.UntilWindowCloses(), streams.MaxRecords(10))
		}, "add FailWhenFull"},
		"materialized twice": {func(b *streams.Builder) {
			b.Table(orders).Materialize(serde.String, streams.As("s"))
		}, "has a store already"},
		"no serde": {func(b *streams.Builder) {
			b.Table(orders).GroupBy(func(k, v string) (string, string) { return v, k }, nil, serde.String).Count()
		}, "a serde is nil"},
	} {
		b := streams.NewBuilder()
		c.declare(b)
		_, err := b.Build()
		require.ErrorContains(t, err, c.fault, name)
		require.ErrorContains(t, err, "joins_test.go:", name)
	}
}
