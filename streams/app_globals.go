package streams

import (
	"fmt"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams/internal/topo"
)

// globalReader is the bytes of a global store of the running App.
func (a *App) globalReader(b *Builder, st topo.StoreID) (store.Reader, error) {
	if b == nil || a.topology.of != b {
		return nil, fmt.Errorf("the global table is not of the App's builder")
	}
	name := a.topology.graph.Stores[st].Spec.Name
	return nil, fmt.Errorf("the store %s", name)
}
