package streams

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/memstore"
	"github.com/millrace/millrace/streams/internal/topo"
)

// InMemory keeps a store in the memory of the process, whole, in place of the state
// directory. It is restored from the start of its changelog each time its task starts,
// and is as large as all of its values; with WithoutLogging it begins empty each time.
func InMemory() StoreOption {
	return storeSetting(func(s *settings) { s.inMemory = true })
}

// LRU bounds the store of a table, an aggregate without windows or a [KVStore] to so
// many entries: a put beyond that removes the entry that was neither read nor put for
// longest, silently, so that an aggregate of its key begins anew. Such a store has no
// record cache.
func LRU(entries int) StoreOption {
	return storeSetting(func(s *settings) {
		if entries <= 0 {
			s.fault("LRU of %d entries; it must have at least one", entries)
		}
		s.lru = entries
	})
}

// withMemory keeps the stores beside the database that are to be in memory.
func withMemory(db store.DB, stores []topo.Store) store.DB {
	var topics []string
	found := false
	for _, s := range stores {
		if !s.Spec.InMemory {
			continue
		}
		found = true
		if s.Changelog != "" {
			topics = append(topics, s.Changelog)
		}
	}
	if !found {
		return db
	}
	return memstore.Beside(db, topics...)
}

// shape gives a store's specification what the options say about where it is and
// how large.
func (s *settings) shape(spec *store.Spec) error {
	spec.InMemory = s.inMemory
	if s.ttl > 0 && (spec.Kind != store.KindKeyValue || !spec.Timestamped || s.lru > 0) {
		return fmt.Errorf("only tables and timestamped key-value stores have a TTL; leave it out")
	}
	spec.TTL = s.ttl
	switch {
	case s.lru == 0:
		return nil
	case spec.Kind != store.KindKeyValue:
		return fmt.Errorf("a %v store has no bound of entries; leave LRU out", spec.Kind)
	}
	spec.Kind, spec.MaxEntries = store.KindLRU, s.lru
	return nil
}
