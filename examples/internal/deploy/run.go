package deploy

import (
	"context"
	"errors"
	"net/http"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamshttp"
	"github.com/millrace/millrace/streams/streamsprom"
)

// Run runs an application until ctx ends, a signal comes or it fails, with its probes
// and metrics at addr; without an address it has none. Whichever ends first ends the
// other: an application without its endpoints would only be killed by its probes.
func Run(ctx context.Context, app *streams.App, addr string, opts ...streamshttp.ServeOption) error {
	if addr == "" {
		return app.Run(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- streamshttp.Serve(ctx, addr, Handler(app), opts...)
		cancel()
	}()
	err := app.Run(ctx)
	cancel()
	return errors.Join(err, <-served)
}

// Handler is the application's probes and metrics.
func Handler(app *streams.App) http.Handler {
	return streamshttp.Handler(app, streamshttp.WithMetrics(streamsprom.Handler(app)))
}
