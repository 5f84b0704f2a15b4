package pebblestore

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableBytes is about the size of the tables that a run becomes. Smaller ones would
// be many files, larger ones would make large compactions.
const tableBytes = 16 << 20

// tables writes sorted keys into table files that are not yet a part of the DB.
type tables struct {
	fs      vfs.FS
	dir     string
	options sstable.WriterOptions
	paths   []string
	writer  *sstable.Writer // of the last path; nil between two tables
	store   [prefixSize]byte
}

func (d *DB) newTables() *tables {
	o := d.pebbleOptions()
	o.EnsureDefaults()
	return &tables{fs: o.FS, dir: d.dir, options: o.MakeWriterOptions(0, d.db.TableFormat())}
}

// run writes all of a run.
func (w *tables) run(r *run) error {
	for key, value := range r.all() {
		if err := w.write(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (w *tables) write(key, value []byte) error {
	if value == nil {
		if err := w.room(key); err != nil {
			return err
		}
		return w.writer.Delete(key)
	}
	return w.set(key, value)
}

func (w *tables) set(key, value []byte) error {
	if err := w.room(key); err != nil {
		return err
	}
	return w.writer.Set(key, value)
}

// room begins a table if there is none, if it is full, or if another store begins:
// a table over two stores would overlap all that lies between.
func (w *tables) room(key []byte) error {
	of := [prefixSize]byte(key)
	if w.writer != nil && (of != w.store || w.writer.Raw().EstimatedSize() >= tableBytes) {
		if err := w.finish(); err != nil {
			return err
		}
	}
	w.store = of
	if w.writer != nil {
		return nil
	}
	return w.begin()
}

// begin creates a file. Its name is one of those that Pebble removes when it opens
// a directory, should a crash leave it behind.
func (w *tables) begin() error {
	path := w.fs.PathJoin(w.dir, fmt.Sprintf("temporary.%06d.dbtmp", len(w.paths)+1))
	f, err := w.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w.paths = append(w.paths, path)
	w.writer = sstable.NewWriter(objstorageprovider.NewFileWritable(f), w.options)
	return nil
}

// finish completes the last table and makes it durable.
func (w *tables) finish() error {
	if w.writer == nil {
		return nil
	}
	err := w.writer.Close()
	w.writer = nil
	return err
}

// remove deletes the files; an error is nothing, as the next opening removes them.
func (w *tables) remove() {
	_ = w.finish()
	for _, path := range w.paths {
		_ = w.fs.Remove(path)
	}
}
