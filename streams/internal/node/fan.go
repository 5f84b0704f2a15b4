package node

import "github.com/millrace/millrace/streams/record"

// Fan is the sink of a node's children, in the order of their declaration. The
// first error ends the round. One child costs nothing; none swallows records.
func Fan[K, V any](sinks []Sink[K, V]) Sink[K, V] {
	switch len(sinks) {
	case 0:
		return func(*record.Record[K, V]) error { return nil }
	case 1:
		return sinks[0]
	}
	return func(r *record.Record[K, V]) error {
		for _, s := range sinks {
			if err := s(r); err != nil {
				return err
			}
		}
		return nil
	}
}
