package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// restoring measures from the first restored store's start to the end of the last.
type restoring struct {
	pid string

	begin   sync.Once
	first   usage
	records atomic.Int64
	left    atomic.Int64
	done    chan usage
}

func (r *restoring) OnRestoreStart(streams.RestoreEvent) {
	r.begin.Do(func() { r.first = used(r.pid) })
}

func (r *restoring) OnRestoreBatch(streams.RestoreEvent) {}

func (r *restoring) OnRestoreEnd(e streams.RestoreEvent) {
	r.records.Add(e.Records)
	if r.left.Add(-1) == 0 {
		r.done <- used(r.pid)
	}
}

// restore restores an empty store from the changelog of the set "restore".
func (c *cluster) restore(ctx context.Context, o runOptions, memory int64) (r result, err error) {
	set := o.sets["restore"]
	id := "restore-" + o.codec
	dir, err := os.MkdirTemp(o.stateDir, "mb")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := streams.NewBuilder()
	b.Stream(streams.NewTopic(id+"-input", serde.String, serde.Bytes)).GroupByKey().Reduce(func(_, v []byte) []byte { return v }, streams.As("store"))
	watch := &restoring{pid: c.pid, done: make(chan usage, 1)}
	watch.left.Store(partitions)
	app, err := streams.New(b, streams.Config{
		ApplicationID: id, Brokers: c.addrs, StateDir: dir, ReplicationFactor: 1, MemoryLimit: memory, RestoreListener: watch,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return r, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m := moments{start: used(c.pid)}
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	select {
	case err := <-ended:
		return r, errors.Join(errors.New("it ended before all was restored"), err)
	case m.end = <-watch.done:
	}
	m.first, m.processed = watch.first, m.end
	weight := diskMB(dir)
	stop()
	if err := <-ended; err != nil {
		return r, err
	}
	n := watch.records.Load()
	r = result{Workload: "restore", Impl: "millrace", Compression: o.codec}
	r.fill(m, n, n*set.size())
	r.MBPerCPU, r.StateMB = round(float64(n*set.size())/1e6/r.CPUMeasured), weight
	if n != set.records {
		return r, fmt.Errorf("%d records were restored, and %d must be", n, set.records)
	}
	_, err = c.adm.DeleteGroups(context.WithoutCancel(ctx), id)
	return r, err
}

// diskMB is the size of all files below a folder.
func diskMB(dir string) (mb int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error { // what vanishes meanwhile weighs nothing
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				mb += info.Size()
			}
		}
		return nil
	})
	return mb / 1_000_000
}
