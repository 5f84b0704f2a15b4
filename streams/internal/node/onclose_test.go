package node

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/serde"
)

// TestSessionsThatCloseTogether: by ends, and then in the order of Kafka Streams'
// RocksDB or of its store in memory.
func TestSessionsThatCloseTogether(t *testing.T) {
	t.Parallel()
	w := SessionWindows{Gap: 3, Grace: 50}
	for name, test := range map[string]struct {
		strict bool
		want   []string
	}{
		"starts before keys": {false, []string{"c@9/9=1~9", "b@10/12=12~12", "a@12/12=1~12"}},
		"keys before starts": {true, []string{"c@9/9=1~9", "a@12/12=1~12", "b@10/12=12~12"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, closed := newBench(t), int64(-1)
			out := func(k serde.Windowed[string]) string {
				return fmt.Sprintf("%s@%d/%d", k.Key, k.Window.Start, k.Window.End)
			}
			s := SessionsOnClose(&b.env, sessionStore(t, SessionWindows{Gap: 3, Grace: 1000}, serde.String), w,
				Closed{At: &closed, Strict: test.strict}, lately(b), WindowedToStream(out, collect[string, string](b)))
			require.NoError(t, s(rec("b", "1", 10)))
			require.NoError(t, s(rec("b", "2", 12)))
			require.NoError(t, s(rec("a", "1", 12)))
			require.NoError(t, s(rec("c", "1", 9)))
			require.Empty(t, b.take(), "all are open")
			require.NoError(t, s(rec("z", "1", 100)))
			require.Equal(t, test.want, b.take())
		})
	}
}
