// Command rescue frees pods of StatefulSets from local volumes whose node is gone,
// and removes from their consumer groups the static members that will not come back.
//
//	rescue watch                 goes round until it is stopped; one of several leads
//	rescue once [--dry-run]      one round, with a line for each pending pod
//
// Named kubectl-millrace_rescue in the PATH it is a plugin: kubectl millrace-rescue
// once --dry-run. It touches only sets annotated millrace.io/rescue: enabled.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/kubernetes"

	"github.com/millrace/millrace/k8s/rescue/internal/cluster"
	"github.com/millrace/millrace/k8s/rescue/internal/judge"
	"github.com/millrace/millrace/k8s/rescue/internal/members"
	"github.com/millrace/millrace/k8s/rescue/internal/patrol"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rescue:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	watch        bool
	dryRun       bool
	cleanVolumes bool
	namespace    string
	kubeconfig   string
	interval     time.Duration
	listen       string
	rules        judge.Rules
}

// parse reads the command line; the command comes first.
func parse(args []string, getenv func(string) string) (options, error) {
	o := options{rules: judge.Defaults()}
	if len(args) == 0 || args[0] != "watch" && args[0] != "once" {
		return o, errors.New("want a command: watch, or once [--dry-run]; -help after it lists the flags")
	}
	o.watch = args[0] == "watch"
	f := flag.NewFlagSet("rescue "+args[0], flag.ContinueOnError)
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, change nothing")
	f.BoolVar(&o.cleanVolumes, "clean-volumes", false, "delete Released and Failed volume objects of nodes that are gone")
	f.StringVar(&o.namespace, "namespace", getenv("POD_NAMESPACE"), "namespace to look after; by default that of the pod or of the context")
	f.StringVar(&o.namespace, "n", o.namespace, "short for -namespace")
	f.StringVar(&o.kubeconfig, "kubeconfig", getenv("KUBECONFIG"), "file to reach the cluster by; in a pod its service account")
	f.DurationVar(&o.interval, "interval", 5*time.Second, "time between two rounds of watch")
	f.StringVar(&o.listen, "listen", ":8080", "address of watch's /metrics and /healthz")
	f.DurationVar(&o.rules.After, "after", o.rules.After, "how long a pod must be unschedulable and its node gone")
	f.DurationVar(&o.rules.NotReadyAfter, "not-ready-after", 0, "count a node as gone once it has not been ready for that long; 0 never does")
	f.Float64Var(&o.rules.MaxLost, "max-lost", o.rules.MaxLost, "share of a set's pods that may have lost their nodes; more is an outage, and nothing is done")
	if err := f.Parse(args[1:]); err != nil {
		return o, err
	}
	return o, o.check(f.NArg())
}

func (o options) check(rest int) error {
	switch {
	case rest > 0:
		return errors.New("want only flags behind the command")
	case o.rules.After < 0 || o.rules.NotReadyAfter < 0 || o.interval <= 0:
		return errors.New("-after and -not-ready-after must not be negative, -interval must be positive")
	case o.rules.MaxLost < 0 || o.rules.MaxLost > 1:
		return errors.New("-max-lost is a share from 0 to 1")
	}
	return nil
}

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	o, err := parse(args, getenv)
	if err != nil {
		return err
	}
	api, namespace, err := connect(o)
	if err != nil {
		return err
	}
	groups, err := members.FromEnv(getenv)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	p := newPatrol(o, api, namespace, registry, out)
	if groups != nil { // a nil *Groups in the interface would not be nil
		defer groups.Close()
		p.Groups = groups
	}
	if !o.watch {
		return p.Round(ctx)
	}
	return serve(ctx, o, registry, func(ctx context.Context) error {
		return lead(ctx, api, namespace, getenv, func(ctx context.Context) error { return p.Watch(ctx, o.interval) })
	})
}

func newPatrol(o options, api kubernetes.Interface, namespace string, r prometheus.Registerer, out io.Writer) *patrol.Patrol {
	c := cluster.New(api, namespace, o.rules)
	c.Everything = o.cleanVolumes
	p := &patrol.Patrol{
		Cluster: c, DryRun: o.dryRun, CleanVolumes: o.cleanVolumes,
		Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Metrics: patrol.NewMetrics(r),
	}
	if !o.watch {
		p.Out = out
	}
	return p
}
