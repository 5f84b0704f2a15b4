package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/millrace/millrace/examples/internal/deploy"
	"github.com/millrace/millrace/streams/streamshttp"
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
	listening, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		err := d.listen(ctx, j, listening)
		cancel(err) // without its endpoints the job is not what was asked for
		served <- err
	}()
	err = d.accompany(ctx, j, listening)
	cancel(nil)
	return errors.Join(asked(err), j.end(), <-served)
}

// accompany tells where the endpoints are and what came out, and stays until ctx
// ends or the job fails.
func (d *demo) accompany(ctx context.Context, j *job, listening <-chan net.Addr) error {
	select {
	case addr := <-listening:
		fmt.Fprintf(d.out, "Serving http://%s/{healthz,readyz,startupz,metrics}\n", addr)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := d.report(ctx, j); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-j.done:
		j.done <- err
		return err
	}
}

// asked makes an end that was asked for no error.
func asked(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen serves the endpoints.
func (d *demo) listen(ctx context.Context, j *job, listening chan<- net.Addr) error {
	opts := []streamshttp.ServeOption{streamshttp.OnListen(func(a net.Addr) { listening <- a })}
	if d.httpRemote {
		opts = append(opts, streamshttp.AllowNonLoopback())
	}
	return streamshttp.Serve(ctx, d.http, deploy.Handler(j.app), opts...)
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
