package changelog

import (
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/keyenc"
)

// keys translates the keys of one store. Results lie in its buffers and are valid
// until the next call.
type keys struct {
	kind     store.Kind
	interval int64 // ms, of a segment
	plain    []byte
	out      []byte
}

func newKeys(spec store.Spec) keys { return keys{kind: spec.Kind, interval: spec.SegmentInterval()} }

// logged is the changelog's key of a local one.
func (k *keys) logged(local []byte) ([]byte, error) {
	switch k.kind {
	case store.KindWindow:
		plain, w, err := keyenc.SplitWindow(k.plain[:0], local)
		if err != nil {
			return nil, err
		}
		k.plain, k.out = plain, keyenc.AppendLogWindow(k.out[:0], plain, w.Start, w.Seq)
	case store.KindSession:
		plain, s, err := keyenc.SplitSession(k.plain[:0], local)
		if err != nil {
			return nil, err
		}
		k.plain, k.out = plain, keyenc.AppendLogSession(k.out[:0], plain, s.Start, s.End)
	default:
		if local == nil {
			local = []byte{} // an empty key, as the engine sees it; nil would be null
		}
		return local, nil
	}
	return k.out, nil
}

// local is the engine's key of a changelog's.
func (k *keys) local(logged []byte) ([]byte, error) {
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
	default:
		return logged, nil
	}
	return k.out, nil
}
