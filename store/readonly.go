package store

import "errors"

// ErrReadOnly says that a store may only be read where it was written to: a global
// store in a task.
var ErrReadOnly = errors.New("the store is for reading here; a global store changes by its topic")

// ReadOnly is the engine of a store that is only read: views can be made of it, and
// their writes fail with ErrReadOnly. It is as safe for concurrent use as r is.
func ReadOnly(r Reader) Engine { return readOnly{r} }

type readOnly struct{ Reader }

// Put implements Engine.
func (readOnly) Put(_, _ []byte) error { return ErrReadOnly }

// Delete implements Engine.
func (readOnly) Delete(_ []byte) error { return ErrReadOnly }

// DeleteRange implements Engine.
func (readOnly) DeleteRange(_, _ []byte) error { return ErrReadOnly }
