// Command useractivity is the main job of this house: it counts what users do per
// minute, sums up their sessions, and enriches their events with profiles.
//
//	go run ./examples/useractivity
//
// brings a Kafka broker of its own, in the process. It sends 200,000 events, late
// and out-of-order ones among them, runs the job, then stops it and starts it again
// twice: with its state, and without. Each time all results are compared with a
// computation over the raw events. It exits with 0 if everything was equal, else 1.
//
//	go run ./examples/useractivity -bootstrap host:9092
//
// does the same on a real Kafka (or KAFKA_BOOTSTRAP_SERVERS; credentials come from
// KAFKA_SASL_MECHANISM, KAFKA_USERNAME, KAFKA_PASSWORD, and KAFKA_TLS=true or
// KAFKA_TLS_CA_FILE). With -serve the job keeps running, with /healthz, /readyz,
// /startupz and /metrics; with -events 0 besides it is the job alone, as it is deployed:
// it sends nothing, and the MILLRACE_ variables configure it (k8s/README.md).
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace/examples/internal/deploy"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/embedded"
)

// settings are the command line.
type settings struct {
	bootstrap   string
	events      int
	base        time.Time
	application string
	stateDir    string
	serve       bool
	http        string
	httpRemote  bool
	// config is what the environment says.
	config streams.Config
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "useractivity:", err)
		os.Exit(1)
	}
}

// run is the program.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	s, err := parse(args, getenv)
	if err != nil {
		return err
	}
	if s.bootstrap == "" {
		broker, err := embedded.Start()
		if err != nil {
			return err
		}
		defer broker.Close()
		s.bootstrap = broker.Addrs()[0]
		fmt.Fprintf(out, "Kafka: the broker in this process, at %s\n", s.bootstrap)
	} else {
		fmt.Fprintf(out, "Kafka: %s\n", s.bootstrap)
	}
	s.config.Brokers = strings.Split(s.bootstrap, ",")
	cluster, err := clusterOf(s.config)
	if err != nil {
		return err
	}
	return newDemo(s, cluster, out).run(ctx)
}

// parse reads the command line.
func parse(args []string, getenv func(string) string) (settings, error) {
	var s settings
	var err error
	if s.config, err = deploy.Config("useractivity", getenv); err != nil {
		return s, err
	}
	f := flag.NewFlagSet("useractivity", flag.ContinueOnError)
	f.StringVar(&s.bootstrap, "bootstrap", getenv(deploy.Brokers), "host:port of a Kafka; without it, a broker in the process")
	f.IntVar(&s.events, "events", 200_000, "number of events to send; 0 sends none")
	base := f.String("base", "", "time of the first event, RFC 3339; by default the hour before this one")
	f.StringVar(&s.application, "application", s.config.ApplicationID, "application id")
	f.StringVar(&s.stateDir, "state", s.config.StateDir, "state directory; by default a temporary one")
	f.BoolVar(&s.serve, "serve", false, "keep running, with HTTP endpoints")
	f.StringVar(&s.http, "http", cmp.Or(getenv(deploy.HTTP), "127.0.0.1:8080"), "address of the HTTP endpoints")
	f.BoolVar(&s.httpRemote, "http-remote", false, "let -http be an address that other machines can reach")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 || s.events < 0 {
		return s, fmt.Errorf("want only flags, and -events of 0 or more; -help lists them")
	}
	s.base, err = baseTime(*base)
	return s, err
}

// baseTime defaults to recent times: brokers delete windows of days ago, and refuse
// records from the future.
func baseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Now().UTC().Truncate(time.Hour).Add(-time.Hour), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("-base: %w", err)
	}
	return t.UTC(), nil
}
