// Package seam is where a simulation takes the place of what a process has around it:
// its disk, and the moments between its steps. A context carries it into App.Run, so
// that nothing of it shows outside.
package seam

import (
	"context"

	"github.com/millrace/millrace/store/pebblestore"
)

// Seams are what is replaced; what is nil stays as it is.
type Seams struct {
	// Hook is called between steps, by their names, and can fail them.
	Hook func(step string) error
	// Disk changes the options with which databases are opened.
	Disk func(pebblestore.Options) pebblestore.Options
}

type key struct{}

// With is a context for a Run with seams.
func With(ctx context.Context, s Seams) context.Context {
	return context.WithValue(ctx, key{}, s)
}

// From finds them; none are the zero Seams.
func From(ctx context.Context) Seams {
	s, _ := ctx.Value(key{}).(Seams)
	return s
}
