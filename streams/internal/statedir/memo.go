package statedir

import (
	"fmt"
	"os"
	"path/filepath"
)

const memoName = "group-memo"

// Memo is what SetMemo wrote last, perhaps in an earlier process; nil is nothing.
func (d *Dir) Memo() []byte {
	data, err := os.ReadFile(filepath.Join(d.path, memoName))
	if err != nil {
		return nil
	}
	return data
}

// SetMemo keeps a note of the group protocol with the state. It replaces the former
// one as a whole and is not flushed: after a crash it may be missing.
func (d *Dir) SetMemo(data []byte) error {
	if err := replace(filepath.Join(d.path, memoName), data); err != nil {
		return fmt.Errorf("group memo: %w", err)
	}
	return nil
}

// replace writes a file so that a reader sees the old content or the new.
func replace(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, fileMode); err != nil {
		return unwritable(filepath.Dir(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return unwritable(filepath.Dir(path), err)
	}
	return nil
}
