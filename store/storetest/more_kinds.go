package storetest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/record"
)

func duplicates() kind {
	spec := store.Spec{
		Name: "duplicates", Kind: store.KindWindow, RetainDuplicates: true,
		WindowSize: time.Minute, Retention: retention,
	}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewWindow(e, spec, text{}, long{})
			return func(i int, at int64) error { return v.Put(key(i), at/60_000*60_000, int64(i), at) }, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := store.NewWindow(e, spec, text{}, long{})
			if err != nil {
				return nil, err
			}
			return texts(v.All())
		},
	}
}

// versions are read whole: each key with its history.
func versions() kind {
	spec := store.Spec{Name: "versions", Kind: store.KindVersioned, History: retention}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewVersioned(e, spec, text{}, long{})
			return func(i int, at int64) error {
				var err error
				if i%9 == 8 {
					_, err = v.PutNull(key(i), at)
				} else {
					_, err = v.Put(key(i), int64(i), at)
				}
				return err
			}, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := store.NewVersioned(e, spec, text{}, long{})
			if err != nil {
				return nil, err
			}
			out, err := texts(v.All())
			for i := 0; i < 7 && err == nil; i++ {
				for version, fault := range v.History(key(i), 0, 1<<60) {
					err = fault
					out[fmt.Sprintf("%s from %d", key(i), version.From)] = fmt.Sprintf("%v", version)
				}
			}
			return out, err
		},
	}
}

func lru() kind {
	spec := store.Spec{Name: "lru", Kind: store.KindLRU, MaxEntries: 4}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			bounded, err := store.NewLRU(e, spec)
			v := store.NewKV(bounded, text{}, long{})
			return func(i int, at int64) error { return v.Put(key(i), at) }, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			return texts(store.NewReadOnlyKV(e, text{}, long{}).All())
		},
	}
}

func lists() kind {
	spec := store.Spec{Name: "lists", Kind: store.KindList}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewList(e, spec, text{}, long{})
			return func(i int, at int64) error {
				if i%13 == 12 {
					return v.Delete(key(i))
				}
				return v.Add(key(i), at)
			}, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := store.NewList(e, spec, text{}, long{})
			if err != nil {
				return nil, err
			}
			return texts(v.All())
		},
	}
}

// buffer is flushed after each write: what is not flushed is not written.
func buffer() kind {
	spec := store.Spec{Name: "buffer", Kind: store.KindBuffer}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewBuffer(e, spec, text{}, long{})
			return func(i int, at int64) error {
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
			}, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			v, err := store.NewBuffer(e, spec, text{}, long{})
			if err != nil {
				return nil, err
			}
			out := map[string]string{}
			return out, v.Evict(func() bool { return true }, func(b store.Buffered[string, int64]) error {
				out[strconv.Itoa(len(out))] = fmt.Sprintf("%v", b)
				return nil
			})
		},
	}
}

func graceBuffer() kind {
	spec := store.Spec{Name: "grace", Kind: store.KindGraceBuffer, Retention: time.Minute}
	return kind{
		spec: spec,
		writer: func(e store.Engine) (func(int, int64) error, error) {
			v, err := store.NewGraceBuffer(e, spec, text{}, long{})
			return func(i int, at int64) error {
				_, err := v.Put(store.Delayed[string, int64]{Key: key(i), Value: int64(i), Context: format.Context{Time: at}})
				if err == nil {
					err = v.Release(func(store.Delayed[string, int64]) error { return nil })
				}
				return err
			}, err
		},
		content: func(e store.Engine) (map[string]string, error) {
			out := map[string]string{}
			err := e.Scan(nil, nil, false, func(key, value []byte) bool {
				out[string(key)] = string(value)
				return true
			})
			return out, err
		},
	}
}
