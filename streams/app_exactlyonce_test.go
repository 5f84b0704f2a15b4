package streams_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/streams"
)

// exactly is the usual configuration, exactly-once.
func (r *cluster) exactly() streams.Config {
	c := r.config()
	c.ProcessingGuarantee = streams.ExactlyOnce
	return c
}

// transactions lists the states of all transactional ids.
func (r *cluster) transactions() map[string]string {
	r.t.Helper()
	resp, err := kmsg.NewPtrListTransactionsRequest().RequestWith(context.Background(), r.client)
	require.NoError(r.t, err)
	out := map[string]string{}
	for _, s := range resp.TransactionStates {
		out[s.TransactionalID] = s.TransactionState
	}
	return out
}

func TestExactlyOnceCounts(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	r.lines("a b a", "b", "c a")
	app := launch(t, wordcount(), r.exactly())
	got := r.consume("counts")
	got.until(map[string]int64{"a": 3, "b": 2, "c": 1})
	require.NoError(t, app.end())
	for id, state := range r.transactions() {
		require.NotEqual(t, "Ongoing", state, id)
		require.Regexp(t, `^wc-[0-9a-f-]{36}-[12]$`, id)
	}
}
