package changelog

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
)

// keys translates the keys of one store. Results lie in its buffers and are valid
// until the next call.
type keys struct {
	kind     store.Kind
	ttl      bool
	interval int64 // ms, of a segment
	plain    []byte
	out      []byte
}

func newKeys(spec store.Spec) keys {
	return keys{kind: spec.Kind, ttl: spec.TTL > 0, interval: spec.SegmentInterval()}
}

// logged is the changelog's key of a local one.
func (k *keys) logged(local []byte) (_ []byte, err error) {
	switch k.kind {
	case store.KindWindow:
		var w keyenc.Window
		k.plain, w, err = keyenc.SplitWindow(k.plain[:0], local)
		k.out = keyenc.AppendLogWindow(k.out[:0], k.plain, w.Start, w.Seq)
	case store.KindSession:
		var s keyenc.Session
		k.plain, s, err = keyenc.SplitSession(k.plain[:0], local)
		k.out = keyenc.AppendLogSession(k.out[:0], k.plain, s.Start, s.End)
	case store.KindVersioned:
		k.out, _, err = keyenc.SplitVersion(k.out[:0], local)
	default:
		if k.ttl {
			local, err = keyenc.SplitLive(local)
		}
		return present(local), err
	}
	return present(k.out), err
}

// present makes an empty key of none, as the engine sees it; nil would be null.
func present(key []byte) []byte {
	if key == nil {
		return []byte{}
	}
	return key
}

// local is the engine's key of a changelog's, whose record has the time ts.
func (k *keys) local(logged []byte, ts int64) ([]byte, error) {
	switch k.kind {
	case store.KindWindow:
		plain, start, seq, err := keyenc.SplitLogWindow(logged)
		if err != nil {
			return nil, err
		}
		k.out = keyenc.AppendWindow(k.out[:0], keyenc.Segment(start, k.interval), plain, start, seq)
	case store.KindSession:
		plain, start, end, err := keyenc.SplitLogSession(logged)
		if err != nil {
			return nil, err
		}
		k.out = keyenc.AppendSession(k.out[:0], keyenc.Segment(end, k.interval), plain, start, end)
	case store.KindVersioned:
		k.out = keyenc.AppendVersion(k.out[:0], logged, ts)
	case store.KindGraceBuffer:
		_, _, _, err := keyenc.SplitGrace(logged)
		return logged, err
	default:
		if !k.ttl {
			return logged, nil
		}
		k.out = keyenc.AppendLive(k.out[:0], logged)
	}
	return k.out, nil
}
