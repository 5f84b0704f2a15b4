package store

import "errors"

// The kinds of errors that a DB returns, for errors.Is. Each error's text names
// the path and the remedy; none holds keys or values.
var (
	// ErrCorrupt says that the files on the disk are damaged. The remedy is to set
	// the directory aside and to rebuild the state from the changelogs.
	ErrCorrupt = errors.New("corrupt state")
	// ErrNewerFormat says that a newer release wrote the files.
	ErrNewerFormat = errors.New("state of a newer format")
	// ErrLayout says that a store was written under another declaration, whose
	// keys this one cannot read: another kind, or another retention.
	ErrLayout = errors.New("state of another layout")
	// ErrBusy says that another process, or another DB of this one, has the
	// directory open.
	ErrBusy = errors.New("state directory in use")
	// ErrClosed says that the DB is closed.
	ErrClosed = errors.New("state is closed")
)
