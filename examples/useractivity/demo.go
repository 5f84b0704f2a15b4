package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errDiffers is the demo's verdict if anything was not as it should be.
var errDiffers = errors.New("the results differ; see above")

// demo is the whole run: it sends, has the job process, and compares.
type demo struct {
	settings
	cluster cluster
	out     io.Writer
	client  *kgo.Client
	// fresh is whether all events of the input are this run's own.
	fresh bool
	// late sums up over the lives of the application.
	late uint64
}

func newDemo(s settings, c cluster, out io.Writer) *demo {
	return &demo{settings: s, cluster: c, out: out}
}

// life is one run of the job with its share of the events.
type life struct {
	title  string
	events []raw
	wipe   bool
	// check says whether what was restored is right.
	check func(records int64) error
}

// run prepares the topics and the state directory, and goes through the lives.
func (d *demo) run(ctx context.Context) (err error) {
	if d.client, err = d.cluster.client(); err != nil {
		return err
	}
	defer d.client.Close()
	if d.stateDir == "" {
		if d.stateDir, err = os.MkdirTemp("", "useractivity-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(d.stateDir)) }()
	}
	lives, err := d.prepare(ctx)
	if err != nil {
		return err
	}
	if d.serve {
		return d.serveLives(ctx, lives)
	}
	for i, l := range lives {
		fmt.Fprintf(d.out, "\n%d/%d %s, %d events\n", i+1, len(lives), l.title, len(l.events))
		if err := d.live(ctx, l, i == len(lives)-1); err != nil {
			return err
		}
	}
	fmt.Fprintln(d.out, "\nEverything is equal.")
	return nil
}

// prepare creates the topics and deals out the events. Where the input has events
// already, from an earlier run, those are the input, and none are added.
func (d *demo) prepare(ctx context.Context) ([]life, error) {
	if err := createTopics(ctx, d.client); err != nil {
		return nil, err
	}
	if d.serve && d.events == 0 { // the job alone: it may not even be allowed to send
		return nil, nil
	}
	there, err := size(ctx, d.client, eventsTopic)
	if err != nil {
		return nil, err
	}
	events := generate(d.events, d.base.UnixMilli())
	if d.fresh = there == 0; !d.fresh {
		fmt.Fprintf(d.out, "Topic %s has %d events already; none are added.\n", eventsTopic, there)
		events = [parts][]raw{}
	} else if err := sendProfiles(ctx, d.client, profiles(usersFor(d.events)), d.base.Add(-time.Hour).UnixMilli()); err != nil {
		return nil, err
	}
	return []life{
		{"from nothing", events[0], false, nil},
		{"started again with its state", events[1], false, wantNothing},
		{"started again without its state", events[2], true, wantSomething},
	}, nil
}

func wantNothing(records int64) error {
	if records != 0 {
		return fmt.Errorf("%d records were restored, but the state was complete", records)
	}
	return nil
}

func wantSomething(records int64) error {
	if records == 0 {
		return errors.New("nothing was restored, but the state had been deleted")
	}
	return nil
}

// live is one life: send, process, stop, compare.
func (d *demo) live(ctx context.Context, l life, last bool) error {
	if l.wipe {
		if err := d.wipe(); err != nil {
			return err
		}
	}
	if err := sendEvents(ctx, d.client, l.events); err != nil {
		return err
	}
	want, err := foresee(ctx, d.cluster)
	if err != nil {
		return err
	}
	j, err := d.process(ctx, want, len(l.events))
	if err != nil {
		return err
	}
	d.late += j.late()
	if err := j.end(); err != nil {
		return err
	}
	if l.check != nil {
		if err := l.check(j.restored.count()); err != nil {
			return err
		}
	}
	return d.judge(ctx, want, last)
}

// process starts the job and waits until its outputs are complete. The job still
// runs if there is no error.
func (d *demo) process(ctx context.Context, want *oracle, events int) (*job, error) {
	begin := time.Now()
	j, err := startJob(ctx, d.cluster, d.settings)
	if err != nil {
		return nil, err
	}
	if err := j.await(ctx, d.client, want.updates); err != nil {
		return nil, errors.Join(err, j.end())
	}
	took := time.Since(begin).Seconds()
	fmt.Fprintf(d.out, "  %s\n  processed in %.1f s from the start (%.0f events/s)\n", j.restored, took, float64(events)/took)
	return j, nil
}

// judge compares all results, and shows them once.
func (d *demo) judge(ctx context.Context, want *oracle, show bool) error {
	got, err := collect(ctx, d.cluster)
	if err != nil {
		return err
	}
	if show {
		printBusiest(d.out, got)
	}
	late := d.late
	if !d.fresh { // an earlier run left them out, and nobody has kept its counters
		late = uint64(want.late)
	}
	if !compare(d.out, got, want, late) {
		return errDiffers
	}
	return nil
}

// wipe deletes the local state of the application, as a lost disk would.
func (d *demo) wipe() error {
	return os.RemoveAll(filepath.Join(d.stateDir, d.application))
}
