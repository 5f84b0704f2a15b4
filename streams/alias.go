package streams

import (
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// Record is one typed record on its way through a topology; see [record.Record].
// Values may be kept, but not changed: other operators share them.
type Record[K, V any] = record.Record[K, V]

// Headers is the ordered list of a record's headers; see [record.Headers].
type Headers = record.Headers

// Opt is a value that may be missing, as the table's side in a left join.
type Opt[V any] = record.Opt[V]

// Windowed is a key within a window of time.
type Windowed[K any] = serde.Windowed[K]

// Window is a span of event time in milliseconds. A time window excludes its
// End; a session includes it.
type Window = serde.Window

// WindowedKey keeps a windowed key as it is, for [WindowedTable.ToStream].
func WindowedKey[K any](w Windowed[K]) Windowed[K] { return w }
