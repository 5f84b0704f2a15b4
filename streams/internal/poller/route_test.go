package poller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestFatalErrors is the table of what ends an application and what does not.
func TestFatalErrors(t *testing.T) {
	t.Parallel()
	group := func(err error) kgo.FetchError { return kgo.FetchError{Err: &kgo.ErrGroupSession{Err: err}} }
	for _, c := range []struct {
		err  kgo.FetchError
		want string // part of the text; empty goes on
	}{
		{group(kerr.FencedInstanceID), "FENCED_INSTANCE_ID"},
		{group(kerr.InconsistentGroupProtocol), "group.id of a plain consumer"},
		{group(kerr.InvalidSessionTimeout), "group.max.session.timeout.ms"},
		{group(kerr.GroupAuthorizationFailed), "ACL READ on the consumer group"},
		{group(kerr.UnknownMemberID), ""},
		{group(kerr.CoordinatorNotAvailable), ""},
		{group(errors.New("broken pipe")), ""},
		{kgo.FetchError{Topic: "in", Partition: 3, Err: kerr.TopicAuthorizationFailed}, "in/3"},
		{kgo.FetchError{Topic: "in", Partition: 3, Err: kerr.NotLeaderForPartition}, ""},
		{kgo.FetchError{Topic: "in", Partition: 3, Err: &kgo.ErrDataLoss{Topic: "in"}}, ""},
		{kgo.FetchError{Topic: "in", Partition: 3, Err: kerr.CorruptMessage}, ""},
		{kgo.FetchError{Topic: "in", Partition: 3, Err: errors.New("unknown compression")}, "in/3: unknown compression"},
	} {
		err := fatal(c.err)
		if c.want == "" {
			require.NoError(t, err, "%v", c.err.Err)
			continue
		}
		require.ErrorContains(t, err, c.want)
		require.ErrorIs(t, err, unwrapped(c.err.Err))
	}
}

func unwrapped(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

func TestQuietErrors(t *testing.T) {
	t.Parallel()
	require.True(t, quiet(fmt.Errorf("poll: %w", context.Canceled)))
	require.True(t, quiet(kgo.ErrClientClosed))
	require.False(t, quiet(kerr.UnknownServerError))
}

// TestRawKeepsBytesAndDropsControlRecords: a transaction's end moves a position
// but is no record.
func TestRawKeepsBytesAndDropsControlRecords(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1234)
	key := []byte("k")
	raws, bytes := raw([]*kgo.Record{
		{Topic: "in", Partition: 1, Offset: 7, LeaderEpoch: 2, Key: key, Value: nil, Timestamp: at, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}},
		{Topic: "in", Partition: 1, Offset: 8, Attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{Control: true})},
	})
	require.Len(t, raws, 1)
	require.EqualValues(t, 1+recordOverhead, bytes)
	require.Equal(t, int64(7), raws[0].Offset)
	require.Equal(t, int64(1234), raws[0].Time)
	require.Same(t, &key[0], &raws[0].Key[0], "no copy")
	require.Nil(t, raws[0].Value)
	require.Equal(t, "h", raws[0].Headers[0].Key)
}

func TestCommittedOffsets(t *testing.T) {
	t.Parallel()
	meta := "AgAA"
	require.Equal(t, int64(5), start(5, &meta, 0).Offset)
	require.Equal(t, meta, start(5, &meta, 0).Metadata)
	require.Equal(t, int64(-1), start(-1, &meta, 0).Offset)
	require.Empty(t, start(-1, &meta, 0).Metadata)
	require.Equal(t, int64(-1), start(5, nil, kerr.UnstableOffsetCommit.Code).Offset)
}
