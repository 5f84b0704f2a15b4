package storetest

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
)

// kind is one kind of store as an operator uses it: how it is written and what of it
// can be seen.
type kind struct {
	spec store.Spec
	// writer returns a function that writes entry i at a time in ms.
	writer func(e store.Engine) (func(i int, at int64) error, error)
	// content is all that a reader sees, as text.
	content func(e store.Engine) (map[string]string, error)
}

// kindOf is a kind whose view is opened, written and read like this.
func kindOf[V any](spec store.Spec, open func(store.Engine, store.Spec) (V, error),
	write func(v V, i int, at int64) error, read func(V) (map[string]string, error),
) kind {
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := open(e, spec)
			return func(i int, at int64) error { return write(v, i, at) }, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := open(e, spec)
			if err != nil {
				return nil, err
			}
			return read(v)
		},
	}
}

// kinds are those that there are. Each is small: what matters is at which point the
// power goes, not how much there is.
func kinds() []kind {
	return []kind{
		keyValue(), timestamped(), expiring(), windows(), sessions(),
		duplicates(), versions(), lru(), lists(), buffer(), graceBuffer(),
	}
}

const retention = 10 * time.Minute

func key(i int) string { return fmt.Sprintf("key %d", i%7) }

// texts collects entries under numbers, since views yield them in an order.
func texts[E any](all iter.Seq2[E, error]) (map[string]string, error) {
	out := map[string]string{}
	for e, err := range all {
		if err != nil {
			return nil, err
		}
		out[strconv.Itoa(len(out))] = fmt.Sprintf("%v", e)
	}
	return out, nil
}

type (
	kv    = store.KV[string, int64]
	table = store.TimestampedKV[string, int64]
)

func openKV(e store.Engine, _ store.Spec) (*kv, error) { return store.NewKV(e, text{}, long{}), nil }
func readKV(v *kv) (map[string]string, error)          { return texts(v.All()) }
func readTable(v *table) (map[string]string, error)    { return texts(v.All()) }

func keyValue() kind {
	spec := store.Spec{Name: "kv", Kind: store.KindKeyValue}
	return kindOf(spec, openKV, func(v *kv, i int, at int64) error {
		if i%11 == 10 {
			return v.Delete(key(i))
		}
		return v.Put(key(i), at)
	}, readKV)
}

func timestamped() kind {
	spec := store.Spec{Name: "table", Kind: store.KindKeyValue, Timestamped: true}
	open := func(e store.Engine, _ store.Spec) (*table, error) {
		return store.NewTimestampedKV(e, text{}, long{}), nil
	}
	return kindOf(spec, open, func(v *table, i int, at int64) error { return v.Put(key(i), int64(i), at) }, readTable)
}

// aging is a store with a TTL, which is swept after each write.
type aging struct {
	*store.TTL
	view *table
}

func expiring() kind {
	spec := store.Spec{Name: "expiring", Kind: store.KindKeyValue, Timestamped: true, TTL: time.Minute}
	open := func(e store.Engine, s store.Spec) (aging, error) {
		ttl, err := store.NewTTL(e, s)
		return aging{ttl, store.NewTimestampedKV(ttl, text{}, long{})}, err
	}
	return kindOf(spec, open, func(a aging, i int, at int64) error {
		if err := a.view.Put(key(i), int64(i), at); err != nil {
			return err
		}
		_, err := a.Sweep(at, 2, nil)
		return err
	}, func(a aging) (map[string]string, error) { return readTable(a.view) })
}

type windowView = store.Window[string, int64]

func openWindows(e store.Engine, s store.Spec) (*windowView, error) {
	return store.NewWindow(e, s, text{}, long{})
}

func putWindow(v *windowView, i int, at int64) error {
	return v.Put(key(i), at/60_000*60_000, int64(i), at)
}

func readWindows(v *windowView) (map[string]string, error) { return texts(v.All()) }

func windows() kind {
	spec := store.Spec{Name: "windows", Kind: store.KindWindow, Timestamped: true, WindowSize: time.Minute, Retention: retention}
	return kindOf(spec, openWindows, putWindow, readWindows)
}

func duplicates() kind {
	spec := store.Spec{
		Name: "duplicates", Kind: store.KindWindow, RetainDuplicates: true,
		WindowSize: time.Minute, Retention: retention,
	}
	return kindOf(spec, openWindows, putWindow, readWindows)
}

func sessions() kind {
	spec := store.Spec{Name: "sessions", Kind: store.KindSession, Retention: retention}
	open := func(e store.Engine, s store.Spec) (*store.Session[string, int64], error) {
		return store.NewSession(e, s, text{}, long{})
	}
	return kindOf(spec, open, func(v *store.Session[string, int64], i int, at int64) error {
		if i%5 == 4 {
			return v.Remove(key(i-1), at-4_000, at-3_000)
		}
		return v.Put(key(i), at-1000, at, int64(i))
	}, func(v *store.Session[string, int64]) (map[string]string, error) { return texts(v.All()) })
}

// versions are read whole: each key with its history.
func versions() kind {
	type view = store.Versioned[string, int64]
	spec := store.Spec{Name: "versions", Kind: store.KindVersioned, History: retention}
	open := func(e store.Engine, s store.Spec) (*view, error) { return store.NewVersioned(e, s, text{}, long{}) }
	return kindOf(spec, open, func(v *view, i int, at int64) (err error) {
		if i%9 == 8 {
			_, err = v.PutNull(key(i), at)
		} else {
			_, err = v.Put(key(i), int64(i), at)
		}
		return err
	}, func(v *view) (map[string]string, error) {
		out, err := texts(v.All())
		for i := 0; i < 7 && err == nil; i++ {
			for version, fault := range v.History(key(i), 0, 1<<60) {
				err = fault
				out[fmt.Sprintf("%s from %d", key(i), version.From)] = fmt.Sprintf("%v", version)
			}
		}
		return out, err
	})
}

// lru is read without its bound, which would cut what is too much.
func lru() kind {
	spec := store.Spec{Name: "lru", Kind: store.KindLRU, MaxEntries: 4}
	open := func(e store.Engine, s store.Spec) (*kv, error) {
		bounded, err := store.NewLRU(e, s)
		return store.NewKV(bounded, text{}, long{}), err
	}
	k := kindOf(spec, open, func(v *kv, i int, at int64) error { return v.Put(key(i), at) }, readKV)
	k.content = kindOf(spec, openKV, nil, readKV).content
	return k
}

func lists() kind {
	type view = store.List[string, int64]
	spec := store.Spec{Name: "lists", Kind: store.KindList}
	open := func(e store.Engine, s store.Spec) (*view, error) { return store.NewList(e, s, text{}, long{}) }
	return kindOf(spec, open, func(v *view, i int, at int64) error {
		if i%13 == 12 {
			return v.Delete(key(i))
		}
		return v.Add(key(i), at)
	}, func(v *view) (map[string]string, error) { return texts(v.All()) })
}

// buffer is flushed after each write: what is not flushed is not written.
func buffer() kind {
	type view = store.Buffer[string, int64]
	spec := store.Spec{Name: "buffer", Kind: store.KindBuffer}
	open := func(e store.Engine, s store.Spec) (*view, error) { return store.NewBuffer(e, s, text{}, long{}) }
	return kindOf(spec, open, func(v *view, i int, at int64) error {
		left := 0
		if i%4 == 3 {
			left = 1
		}
		more := func() bool { left--; return left >= 0 }
		err := v.Put(store.Buffered[string, int64]{
			Key: key(i), New: record.Some(int64(i)), Time: at, Context: format.Context{Time: at, Topic: "in"},
		})
		if err == nil {
			err = v.Evict(more, func(store.Buffered[string, int64]) error { return nil })
		}
		if err == nil {
			err = v.Flush()
		}
		return err
	}, func(v *view) (map[string]string, error) {
		out := map[string]string{}
		return out, v.Evict(func() bool { return true }, func(b store.Buffered[string, int64]) error {
			out[strconv.Itoa(len(out))] = fmt.Sprintf("%v", b)
			return nil
		})
	})
}

func graceBuffer() kind {
	type view = store.GraceBuffer[string, int64]
	spec := store.Spec{Name: "grace", Kind: store.KindGraceBuffer, Retention: time.Minute}
	open := func(e store.Engine, s store.Spec) (*view, error) { return store.NewGraceBuffer(e, s, text{}, long{}) }
	k := kindOf(spec, open, func(v *view, i int, at int64) error {
		_, err := v.Put(store.Delayed[string, int64]{Key: key(i), Value: int64(i), Context: format.Context{Time: at}})
		if err == nil {
			err = v.Release(func(store.Delayed[string, int64]) error { return nil })
		}
		return err
	}, nil)
	k.content = func(e store.Engine) (map[string]string, error) {
		out := map[string]string{}
		err := e.Scan(nil, nil, false, func(key, value []byte) bool {
			out[string(key)] = string(value)
			return true
		})
		return out, err
	}
	return k
}

// text and long stand in for the serdes of package serde.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(b []byte) (string, error)             { return string(b), nil }

type long struct{}

func (long) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
}

func (long) Decode(b []byte) (int64, error) { return int64(binary.BigEndian.Uint64(b)), nil }
