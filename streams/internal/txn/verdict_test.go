package txn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/txn"
)

// TestTableIsClosed: each of Kafka's codes that the client knows has one row. A new
// version of the client with a new code fails here, until somebody has decided.
func TestTableIsClosed(t *testing.T) {
	t.Parallel()
	rows := map[int16]int{}
	for _, codes := range txn.Table() {
		for _, e := range codes {
			rows[e.Code]++
		}
	}
	known := 0
	for code := int16(-1); code < 1000; code++ {
		e := kerr.TypedErrorForCode(code)
		if e == nil || e.Code != code {
			require.Zero(t, rows[code], "code %d", code)
			continue
		}
		known++
		require.Equal(t, 1, rows[code], "rows of %s (%d)", e.Message, code)
	}
	require.Greater(t, known, 130)
}

// TestJudge is what the rows mean, and what is no code of Kafka's.
func TestJudge(t *testing.T) {
	t.Parallel()
	for want, errs := range map[txn.Verdict][]error{
		txn.Retry: {
			kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress,
			kerr.NotCoordinator, kerr.RequestTimedOut, context.DeadlineExceeded, kgo.ErrRecordTimeout, io.EOF, io.ErrClosedPipe,
			&net.OpError{Op: "read", Err: syscall.ECONNRESET}, net.ErrClosed,
		},
		txn.Abort: {
			kerr.InvalidTxnState, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidProducerIDMapping, kerr.UnknownProducerID,
			kerr.TransactionAbortable, kerr.OperationNotAttempted, kerr.UnknownServerError, kgo.ErrClientClosed,
		},
		txn.Rejoin: {kerr.UnknownMemberID},
		txn.Fatal: {
			kerr.FencedInstanceID, kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InvalidGroupID,
			kerr.OffsetMetadataTooLarge, kerr.MessageTooLarge, errors.New("something new"), context.Canceled,
			&fs.PathError{Op: "write", Err: syscall.ENOSPC},
		},
	} {
		for _, err := range errs {
			wrapped := &txn.Error{Step: txn.StepOffsets, Err: fmt.Errorf("offset of in/0: %w", err)}
			require.Equal(t, want, txn.Judge(wrapped), "%v", err)
		}
	}
}
