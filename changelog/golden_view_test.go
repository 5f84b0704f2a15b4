package changelog_test

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/keyenc"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// view is one store of raw bytes behind the view of its kind.
type view struct {
	// write makes the change that a changelog record tells of.
	write func(key, value []byte, ts int64)
	// flush writes what the view holds back; most hold nothing.
	flush func()
	// rows is what the store holds, as captures write it.
	rows func() []string
}

// viewOf is the view of a store of that Spec.
func viewOf(t *testing.T, e store.Engine, spec store.Spec) view {
	t.Helper()
	kinds := map[store.Kind]func(*testing.T, store.Engine, store.Spec) view{
		store.KindKeyValue: keyValues, store.KindLRU: lru, store.KindWindow: windows, store.KindSession: sessionsOf,
		store.KindVersioned: versions, store.KindList: lists, store.KindBuffer: suppressed, store.KindGraceBuffer: delayed,
	}
	v := kinds[spec.Kind](t, e, spec)
	if v.flush == nil {
		v.flush = func() {}
	}
	return v
}

// value is the text of a value: a number if it is a Long.
func value(b []byte) string {
	if len(b) == 8 && b[0] == 0 {
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(b)), 10)
	}
	return string(b)
}

func texts[E any](t *testing.T, seq iter.Seq2[E, error], text func(E) string) []string {
	t.Helper()
	out := []string{}
	for e, err := range seq {
		require.NoError(t, err)
		out = append(out, text(e))
	}
	return out
}

func windowedName(k serde.Windowed[[]byte]) string {
	return fmt.Sprintf("%s@%d/%d", k.Key, k.Window.Start, k.Window.End)
}

func keyValues(t *testing.T, e store.Engine, spec store.Spec) view {
	if spec.Timestamped {
		kv := store.NewTimestampedKV(e, serde.Bytes, serde.Bytes)
		return view{
			write: func(key, value []byte, ts int64) {
				if value == nil {
					require.NoError(t, kv.Delete(key))
					return
				}
				require.NoError(t, kv.Put(key, value, ts))
			},
			rows: func() []string {
				return texts(t, kv.All(), func(e store.TimestampedEntry[[]byte, []byte]) string {
					return fmt.Sprintf("%s=%s~%d", e.Key, value(e.Value), e.Time)
				})
			},
		}
	}
	kv := store.NewKV(e, serde.Bytes, serde.Bytes)
	return view{
		write: func(key, value []byte, _ int64) {
			if value == nil {
				require.NoError(t, kv.Delete(key))
				return
			}
			require.NoError(t, kv.Put(key, value))
		},
		rows: func() []string {
			return texts(t, kv.All(), func(e store.Entry[[]byte, []byte]) string {
				return fmt.Sprintf("%s=%s", e.Key, value(e.Value))
			})
		},
	}
}

func lru(t *testing.T, e store.Engine, spec store.Spec) view {
	bounded, err := store.NewLRU(e, spec)
	require.NoError(t, err)
	return keyValues(t, bounded, spec)
}

func windows(t *testing.T, e store.Engine, spec store.Spec) view {
	w, err := store.NewWindow(e, spec, serde.Bytes, serde.Bytes)
	require.NoError(t, err)
	return view{
		write: func(key, value []byte, ts int64) {
			plain, start, _, err := keyenc.SplitLogWindow(key)
			require.NoError(t, err)
			if value == nil {
				require.NoError(t, w.Delete(plain, start))
				return
			}
			require.NoError(t, w.Put(plain, start, value, ts))
		},
		rows: func() []string {
			return texts(t, w.All(), func(e store.WindowEntry[[]byte, []byte]) string {
				return fmt.Sprintf("%s=%s~%d", windowedName(e.Key), value(e.Value), e.Time)
			})
		},
	}
}

func sessionsOf(t *testing.T, e store.Engine, spec store.Spec) view {
	s, err := store.NewSession(e, spec, serde.Bytes, serde.Bytes)
	require.NoError(t, err)
	return view{
		write: func(key, value []byte, _ int64) {
			plain, start, end, err := keyenc.SplitLogSession(key)
			require.NoError(t, err)
			if value == nil {
				require.NoError(t, s.Remove(plain, start, end))
				return
			}
			require.NoError(t, s.Put(plain, start, end, value))
		},
		rows: func() []string {
			return texts(t, s.All(), func(e store.SessionEntry[[]byte, []byte]) string {
				return fmt.Sprintf("%s=%s", windowedName(e.Key), value(e.Value))
			})
		},
	}
}

func versions(t *testing.T, e store.Engine, spec store.Spec) view {
	s, err := store.NewVersioned(e, spec, serde.Bytes, serde.Bytes)
	require.NoError(t, err)
	return view{
		write: func(key, value []byte, ts int64) {
			if value == nil {
				_, err = s.PutNull(key, ts)
			} else {
				_, err = s.Put(key, value, ts)
			}
			require.NoError(t, err)
		},
		rows: func() []string {
			return texts(t, s.All(), func(e store.VersionEntry[[]byte, []byte]) string {
				return fmt.Sprintf("%s=%s~%d", e.Key, value(e.Version.Value), e.Version.From)
			})
		},
	}
}

// lists adds the last value of the list that a record holds: the others were there.
func lists(t *testing.T, e store.Engine, spec store.Spec) view {
	l, err := store.NewList(e, spec, format.JoinKeys(serde.Bytes), serde.Bytes)
	require.NoError(t, err)
	keys := format.JoinKeys(serde.Bytes)
	return view{
		write: func(key, value []byte, _ int64) {
			k, err := keys.Decode(key)
			require.NoError(t, err)
			if value == nil {
				require.NoError(t, l.Delete(k))
				return
			}
			var last []byte
			for v, err := range format.ListValues(value) {
				require.NoError(t, err)
				last = v
			}
			require.NoError(t, l.Add(k, last))
		},
		rows: func() []string {
			return texts(t, l.All(), func(e store.Entry[format.JoinKey[[]byte], []byte]) string {
				return fmt.Sprintf("%s@%d=%s", e.Key.Key, e.Key.Time, e.Value)
			})
		},
	}
}

// suppressed buffers what a record says was buffered; a tombstone lets the oldest
// go, which must be the one.
func suppressed(t *testing.T, e store.Engine, spec store.Spec) view {
	b, err := store.NewBuffer(e, spec, serde.Bytes, serde.Bytes)
	require.NoError(t, err)
	part := func(b []byte) record.Opt[[]byte] { return record.Opt[[]byte]{V: b, OK: b != nil} }
	return view{
		write: func(key, value []byte, _ int64) {
			if value == nil {
				left := 1
				require.NoError(t, b.Evict(func() bool { left--; return left >= 0 }, func(out store.Buffered[[]byte, []byte]) error {
					require.Equal(t, key, out.Key)
					return nil
				}))
				return
			}
			row, err := format.ParseBufferRow(value)
			require.NoError(t, err)
			require.NoError(t, b.Put(store.Buffered[[]byte, []byte]{
				Key: key, Old: part(row.Old), New: part(row.New), Time: row.Time, Context: row.Context,
			}))
		},
		flush: func() { require.NoError(t, b.Flush()) },
		rows: func() (out []string) {
			require.NoError(t, b.Evict(func() bool { return true }, func(r store.Buffered[[]byte, []byte]) error {
				out = append(out, fmt.Sprintf("%x=%s~%d", r.Key, value(r.New.V), r.Time))
				return nil
			}))
			return out
		},
	}
}

func delayed(t *testing.T, e store.Engine, spec store.Spec) view {
	b, err := store.NewGraceBuffer(e, spec, serde.Bytes, serde.Bytes)
	require.NoError(t, err)
	return view{
		write: func(key, value []byte, _ int64) {
			ts, plain, _, err := keyenc.SplitGrace(key)
			require.NoError(t, err)
			if value == nil {
				require.NoError(t, b.Release(func(d store.Delayed[[]byte, []byte]) error {
					require.Equal(t, plain, d.Key)
					require.Equal(t, ts, d.Context.Time)
					return nil
				}))
				return
			}
			row, err := format.ParseBufferRow(value)
			require.NoError(t, err)
			held, err := b.Put(store.Delayed[[]byte, []byte]{Key: plain, Value: row.New, Context: row.Context})
			require.NoError(t, err)
			require.True(t, held)
		},
		rows: func() []string {
			n, err := b.Len()
			require.NoError(t, err)
			require.Less(t, n, math.MaxInt32)
			return nil
		},
	}
}
