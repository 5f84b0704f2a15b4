package memstore

import "github.com/millrace/millrace/store"

var _ store.BulkLoader = (*beside)(nil)

// Load implements store.BulkLoader: stores on the disk are loaded the fast way, if the
// DB there has one, and those in memory get each record at once.
func (b *beside) Load() (store.Loader, error) {
	source, ok := b.disk.(store.BulkLoader)
	if !ok {
		return &besideLoad{of: b}, nil
	}
	disk, err := source.Load()
	if err != nil {
		return nil, err
	}
	return &besideLoad{b, disk}, nil
}

// besideLoad is a load in two parts; without a loader it applies.
type besideLoad struct {
	of   *beside
	disk store.Loader // may be nil
}

func (l *besideLoad) Add(name string, muts []store.Mutation, pos store.Position) error {
	if l.disk == nil || l.of.stores[name] {
		return l.of.Apply(name, muts, pos)
	}
	return l.disk.Add(name, muts, pos)
}

func (l *besideLoad) Sync() error {
	if l.disk == nil {
		return nil
	}
	return l.disk.Sync()
}

func (l *besideLoad) Close() error {
	if l.disk == nil {
		return nil
	}
	return l.disk.Close()
}
