package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/streams/streamshttp"
	"github.com/millrace/millrace/streams/streamsprom"
)

// serveLives processes all events in one life, compares once, and keeps the job and
// its endpoints running until ctx ends.
func (d *demo) serveLives(ctx context.Context, lives []life) error {
	for _, l := range lives {
		if err := sendEvents(ctx, d.client, l.events); err != nil {
			return err
		}
	}
	j, err := startJob(ctx, d.cluster, d.settings)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fmt.Fprintf(d.out, "Serving http://%s/{healthz,readyz,startupz,metrics}\n", d.http)
	served := make(chan error, 1)
	go func() {
		err := d.listen(ctx, j)
		cancel(err) // without its endpoints the job is not what was asked for
		served <- err
	}()
	err = d.report(ctx, j)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-j.done:
			j.done <- err
		}
	}
	cancel(nil)
	return errors.Join(asked(err), j.end(), <-served)
}

// asked makes an end that was asked for no error.
func asked(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen serves the endpoints.
func (d *demo) listen(ctx context.Context, j *job) error {
	handler := streamshttp.Handler(j.app, streamshttp.WithMetrics(streamsprom.Handler(j.app)))
	var opts []streamshttp.ServeOption
	if d.httpRemote {
		opts = append(opts, streamshttp.AllowNonLoopback())
	}
	return streamshttp.Serve(ctx, d.http, handler, opts...)
}

// report waits for the outputs and compares them, if the events are the demo's own;
// somebody else's go on coming.
func (d *demo) report(ctx context.Context, j *job) error {
	if !d.fresh || d.events == 0 {
		return nil
	}
	want, err := foresee(ctx, d.cluster)
	if err != nil {
		return err
	}
	if err := j.await(ctx, d.client, want.updates); err != nil {
		return err
	}
	d.late = j.late()
	if err := d.judge(ctx, want, true); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "\nEverything is equal. The job goes on; stop it with Ctrl-C.")
	return nil
}
