package pebblestore

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/store"
)

// formatVersion is the version of the key layout that this release writes.
const formatVersion = 1

// The kinds of keys that the DB keeps for itself, under number 0.
const (
	metaFormat   = 'f'
	metaStore    = 's'
	metaPosition = 'p'
)

const (
	prefixSize = 2 // the number of a store, in front of each key
	metaSize   = prefixSize + 1
	maxStores  = math.MaxUint16 - 1
)

func metaKey(kind byte, name string) []byte { return append([]byte{0, 0, kind}, name...) }

// descriptor is what the DB remembers of a store: its number, and all that decides
// how its keys and values look.
type descriptor struct {
	id          uint16
	kind        store.Kind
	timestamped bool
	interval    int64 // ms, of a segment; 0 in stores that have none
}

const descriptorSize = 2 + 1 + 1 + 8

func describe(id uint16, spec store.Spec) descriptor {
	d := descriptor{id: id, kind: spec.Kind, timestamped: spec.Timestamped}
	switch {
	case spec.Segmented():
		d.interval = spec.SegmentInterval()
	case spec.TTL > 0:
		d.interval = spec.TTLInterval()
	}
	return d
}

func (d descriptor) append(dst []byte) []byte {
	timed := byte(0)
	if d.timestamped {
		timed = 1
	}
	dst = append(binary.BigEndian.AppendUint16(dst, d.id), byte(d.kind), timed)
	return binary.BigEndian.AppendUint64(dst, uint64(d.interval))
}

func parseDescriptor(b []byte) (descriptor, bool) {
	if len(b) != descriptorSize {
		return descriptor{}, false
	}
	return descriptor{
		id: binary.BigEndian.Uint16(b), kind: store.Kind(b[2]), timestamped: b[3] == 1,
		interval: int64(binary.BigEndian.Uint64(b[4:])),
	}, true
}

// catalogue is what a DB knows of itself: its stores and the position.
type catalogue struct {
	dir      string
	stores   map[string]descriptor
	lastID   uint16
	position store.Position
	version  uint32 // of the layout; 0 in a new DB
}

func newCatalogue(dir string) catalogue {
	return catalogue{dir: dir, stores: map[string]descriptor{}, position: store.Position{}}
}

// loadMeta reads all that the DB keeps for itself. A new DB gets its version.
func (d *DB) loadMeta() error {
	err := d.catalogue.read(d.db)
	if err != nil || d.version != 0 {
		return err
	}
	// A DB that has entries but no version is broken.
	if len(d.stores) > 0 || len(d.position) > 0 {
		return fmt.Errorf("%w: no format version in %s; set the directory aside", store.ErrCorrupt, d.dir)
	}
	value := binary.BigEndian.AppendUint32(nil, formatVersion)
	return explain("write the format version", d.dir, d.db.Set(metaKey(metaFormat, ""), value, pebble.NoSync))
}

// read reads the entries from a DB or a snapshot of one.
func (c *catalogue) read(from pebble.Reader) error {
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: []byte{0, 0}, UpperBound: []byte{0, 1}})
	if err != nil {
		return explain("read the catalogue", c.dir, err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = c.entry(it.Key(), it.Value())
	}
	if reading := it.Close(); reading != nil {
		err = explain("read the catalogue", c.dir, reading) // the cause of all others
	}
	return err
}

func (c *catalogue) entry(key, value []byte) error {
	name := string(key[min(metaSize, len(key)):])
	switch {
	case len(key) == metaSize && key[2] == metaFormat && len(value) == 4:
		c.version = binary.BigEndian.Uint32(value)
		if c.version > formatVersion {
			return fmt.Errorf("%w: %s has version %d, this release reads up to %d; run the release that wrote it, or set the directory aside and let the state be rebuilt",
				store.ErrNewerFormat, c.dir, c.version, formatVersion)
		}
		return nil
	case len(key) > metaSize && key[2] == metaPosition && len(value) == 8:
		c.position[name] = int64(binary.BigEndian.Uint64(value))
		return nil
	case len(key) > metaSize && key[2] == metaStore:
		if desc, ok := parseDescriptor(value); ok {
			c.stores[name] = desc
			c.lastID = max(c.lastID, desc.id)
			return nil
		}
	}
	return fmt.Errorf("%w: an unknown entry in the catalogue of %s; set the directory aside", store.ErrCorrupt, c.dir)
}

// number finds the store's number, and gives it one if it is new.
func (d *DB) number(spec store.Spec) (uint16, error) {
	if known, ok := d.stores[spec.Name]; ok {
		if known != describe(known.id, spec) {
			return 0, fmt.Errorf("%w: store %q in %s was declared with another kind, retention or TTL; set the directory aside and let the state be rebuilt",
				store.ErrLayout, spec.Name, d.dir)
		}
		return known.id, nil
	}
	if d.lastID >= maxStores {
		return 0, fmt.Errorf("store %q: %s has no number left for a new store; set the directory aside", spec.Name, d.dir)
	}
	desc := describe(d.lastID+1, spec)
	if err := d.db.Set(metaKey(metaStore, spec.Name), desc.append(nil), pebble.NoSync); err != nil {
		return 0, explain("add a store", d.dir, err)
	}
	d.lastID, d.stores[spec.Name] = desc.id, desc
	return desc.id, nil
}
