package changelog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/store/pebblestore"
	"github.com/millrace/millrace/store/storetest/golden"
	"github.com/millrace/millrace/streams/record"
)

// machines are the engines that a captured store is restored into.
func machines() map[string]func() (store.DB, error) {
	return map[string]func() (store.DB, error){
		"memory": func() (store.DB, error) { return memstore.New(), nil },
		"pebble": func() (store.DB, error) { return pebblestore.Open("state", pebblestore.Options{FS: vfs.NewMem()}) },
	}
}

// TestGoldenCaptures takes every changelog that Kafka Streams wrote: its topic is
// configured alike, the store restored from it holds what Kafka Streams showed, and
// the same changes made through our views write the same records.
func TestGoldenCaptures(t *testing.T) {
	t.Parallel()
	kinds := map[store.Kind]int{}
	for _, c := range golden.Captures(t) {
		for _, l := range logsOf(t, c) {
			kinds[l.spec.Kind]++
			require.Equal(t, l.topic.Configs, changelog.TopicConfig(l.spec, changelog.AdditionalRetention), l.name)
			for engine, open := range machines() {
				t.Run(fmt.Sprintf("%s/%s/%s", c.Topology, l.spec.Name, engine), func(t *testing.T) {
					t.Parallel()
					l.restores(t, open)
					l.rewrites(t, open)
				})
			}
		}
	}
	for _, kind := range []store.Kind{
		store.KindKeyValue, store.KindWindow, store.KindSession, store.KindVersioned, store.KindLRU,
		store.KindList, store.KindBuffer, store.KindGraceBuffer,
	} {
		t.Logf("golden: %d changelogs of %v stores", kinds[kind], kind)
		require.Positive(t, kinds[kind], "no capture of a %v store", kind)
	}
}

// captured is one changelog of a capture.
type captured struct {
	name  string
	spec  store.Spec
	topic golden.Topic
	rows  []string
	known bool // whether Kafka Streams showed the rows
}

// logsOf are the changelogs of a capture, with the stores they are of.
func logsOf(t *testing.T, c golden.Capture) (out []captured) {
	for _, name := range c.TopicNames() {
		rest, ok := strings.CutPrefix(name, c.ApplicationID+"-")
		if !ok || !strings.HasSuffix(rest, "-changelog") {
			continue
		}
		l := captured{name: name, topic: c.Topics[name]}
		st := strings.TrimSuffix(rest, "-changelog")
		require.Equal(t, name, changelog.TopicName(c.ApplicationID, st))
		l.rows, l.known = c.Stores[st]
		l.spec = specFor(t, st, l.topic, l.rows)
		out = append(out, l)
	}
	return out
}

// partitions are the records by partition.
func (l captured) partitions() [][]golden.Record {
	out := make([][]golden.Record, l.topic.Partitions)
	for _, r := range l.topic.Records {
		out[r.Partition] = append(out[r.Partition], r)
	}
	return out
}

// restores compares what a restored store holds.
func (l captured) restores(t *testing.T, open func() (store.DB, error)) {
	rows := []string{}
	for _, records := range l.partitions() {
		db, err := open()
		require.NoError(t, err)
		e, err := db.Engine(l.spec)
		require.NoError(t, err)
		decoder := changelog.NewDecoder(l.spec)
		for _, r := range records {
			key, value := r.Bytes(t)
			muts, err := decoder.Mutations(key, value, r.Timestamp, headersOf(t, r)...)
			require.NoError(t, err)
			require.NoError(t, db.Apply(l.spec.Name, muts, store.Position{l.name: r.Offset + 1}))
		}
		if len(records) > 0 {
			require.Equal(t, store.Position{l.name: records[len(records)-1].Offset + 1}, db.Position())
		}
		rows = append(rows, viewOf(t, e, l.spec).rows()...)
		require.NoError(t, db.Close())
	}
	slices.Sort(rows)
	if l.known {
		require.Equal(t, l.rows, rows)
	}
}

// rewrites makes the same changes through a view and compares the records.
func (l captured) rewrites(t *testing.T, open func() (store.DB, error)) {
	for _, records := range l.partitions() {
		db, err := open()
		require.NoError(t, err)
		e, err := db.Engine(l.spec)
		require.NoError(t, err)
		var at golden.Record // the record whose change is under way
		var got []changelog.Record
		context := changelog.Context{
			Now:     func() int64 { return at.Timestamp },
			Headers: func() []record.Header { return headersOf(t, at) },
		}
		log := changelog.Write(e, l.spec, context, func(r *changelog.Record) error {
			got = append(got, changelog.Record{
				Key: keep(r.Key), Value: keep(r.Value), Time: r.Time, Headers: slices.Clone(r.Headers),
			})
			return nil
		})
		v := viewOf(t, log, l.spec)
		for _, at = range records {
			key, value := at.Bytes(t)
			v.write(key, value, at.Timestamp)
			v.flush()
		}
		require.Len(t, got, len(records))
		for i, r := range records {
			key, value := r.Bytes(t)
			want := changelog.Record{Key: key, Value: value, Time: r.Timestamp, Headers: headersOf(t, r)}
			require.Equal(t, want, got[i], "offset %d of %s", r.Offset, l.name)
		}
		require.NoError(t, db.Close())
	}
}

func keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func headersOf(t *testing.T, r golden.Record) (out []record.Header) {
	for _, h := range r.Headers {
		out = append(out, record.Header{Key: h.Key, Value: golden.Optional(t, h.Value)})
	}
	return out
}
