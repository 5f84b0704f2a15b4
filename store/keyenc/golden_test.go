package keyenc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/store/storetest/golden"
)

// TestGoldenKeys: the keys of changelogs are Kafka Streams', both ways.
func TestGoldenKeys(t *testing.T) {
	t.Parallel()
	for _, c := range golden.Cases(t, "store.window.key", "store.session.key", "fk.combinedkey") {
		var in struct {
			Key, Fk, Pk string
			Start, End  int64
			Seqnum      int32
		}
		c.Decode(t, &in)
		want := c.Bytes(t)
		switch c.Kind {
		case "store.window.key":
			require.Equal(t, want, keyenc.AppendLogWindow(nil, []byte(in.Key), in.Start, in.Seqnum))
			key, start, seq, err := keyenc.SplitLogWindow(want)
			require.NoError(t, err)
			require.Equal(t, []any{in.Key, in.Start, in.Seqnum}, []any{string(key), start, seq})
		case "store.session.key":
			require.Equal(t, want, keyenc.AppendLogSession(nil, []byte(in.Key), in.Start, in.End))
			key, start, end, err := keyenc.SplitLogSession(want)
			require.NoError(t, err)
			require.Equal(t, []any{in.Key, in.Start, in.End}, []any{string(key), start, end})
		default:
			require.Equal(t, want, keyenc.AppendSubscription(nil, []byte(in.Fk), []byte(in.Pk)))
			foreign, primary, err := keyenc.SplitSubscription(want)
			require.NoError(t, err)
			require.Equal(t, []string{in.Fk, in.Pk}, []string{string(foreign), string(primary)})
		}
	}
}
