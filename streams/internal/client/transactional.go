package client

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// The first versions of requests that Kafka 3.8 has: from there on brokers verify a
// transaction before they write to it, so that a late request leaves none open for ever.
const (
	verifiedEndTxn          = 4
	verifiedTxnOffsetCommit = 4
	// implicitTxnOffsetCommit is the first version that needs no AddOffsetsToTxn, and
	// the last one that names topics.
	implicitTxnOffsetCommit = 5
)

// Transactions says what kind of transactions the brokers have.
type Transactions struct {
	// Implicit is transaction.version 2 (KIP-890): partitions and offsets join a
	// transaction by being written, and each transaction has an epoch of its own, so
	// that a late request cannot end a later one.
	Implicit bool
}

// CheckTransactions asks a broker, and fails if it is too old for exactly-once.
func CheckTransactions(ctx context.Context, cl *kgo.Client) (t Transactions, err error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = defaultClientID, "1"
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return t, fmt.Errorf("which transactions the brokers have: %w", err)
	}
	if highest(resp, kmsg.EndTxn) < verifiedEndTxn || highest(resp, kmsg.TxnOffsetCommit) < verifiedTxnOffsetCommit {
		return t, fmt.Errorf("the brokers are older than Kafka 3.8, whose transactions a late request can leave open or end wrongly: upgrade them, or use AtLeastOnce")
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			t.Implicit = f.MaxVersionLevel >= 2 && highest(resp, kmsg.TxnOffsetCommit) >= implicitTxnOffsetCommit
		}
	}
	return t, nil
}

func highest(resp *kmsg.ApiVersionsResponse, key kmsg.Key) int16 {
	for _, k := range resp.ApiKeys {
		if k.ApiKey == int16(key) {
			return k.MaxVersion
		}
	}
	return -1
}

// Opts are those of a transactional producer. Versions are limited to those that name
// topics instead of giving their ids, and to one way of joining transactions: the
// client then takes the same way as the requests that are sent beside it.
func (t Transactions) Opts(id string, timeout time.Duration) []kgo.Opt {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), verifiedTxnOffsetCommit)
	if t.Implicit {
		v.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), implicitTxnOffsetCommit)
	}
	return []kgo.Opt{kgo.TransactionalID(id), kgo.TransactionTimeout(timeout), kgo.MaxVersions(v)}
}
