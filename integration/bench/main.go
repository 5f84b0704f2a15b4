package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func cpus() int { return runtime.NumCPU() }

// session is what the flags say, with a broker that answers.
type session struct {
	cluster *cluster
	peer    *peer
	// self are the flags for a child of this program.
	self  []string
	run   runOptions
	pairs int
	any   bool
	scale int64
	// memory bounds restoring, bytes.
	memory         int64
	warmup, during time.Duration
	lines          io.Writer
	log            io.Writer
	chatter        *os.File // of the peer
	started        bool     // the broker, by us
}

// settings are the flags.
type settings struct {
	brokers, brokerPID, peerDir, work, port string
	records, restored                       int64
	keep                                    bool
	linger                                  time.Duration
	out, profile, heap                      string
}

// run parses the command line, finds a broker and does what is asked.
func run(ctx context.Context, args []string) (err error) {
	var f settings
	s := session{log: os.Stderr}
	flags := declare(&f, &s)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return flag.ErrHelp
	}
	s.run.sets = scaled(f.records, f.restored)
	if f.records > 0 {
		s.scale = f.records
	}
	defer func() { err = errors.Join(err, s.shut(f)) }()
	if err := s.open(ctx, f); err != nil {
		return err
	}
	if f.out != "" {
		file, err := os.OpenFile(f.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		s.lines = file
	}
	if f.heap != "" {
		s.run.heap = func() {
			if err := writeHeap(f.heap); err != nil {
				_, _ = fmt.Fprintln(s.log, "bench:", err)
			}
		}
	}
	if f.profile != "" {
		file, err := os.Create(f.profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return errors.Join(err, file.Close())
		}
		defer func() { pprof.StopCPUProfile(); err = errors.Join(err, file.Close()) }()
	}
	return s.do(ctx, flags.Arg(0), flags.Args()[1:])
}

func writeHeap(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(file), file.Close())
}

func declare(f *settings, s *session) *flag.FlagSet {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&f.brokers, "brokers", "", "host:port,... of a running broker; the peer's is started without it")
	flags.StringVar(&f.brokerPID, "broker-pid", "", "its process, whose CPU is then shown")
	flags.StringVar(&f.peerDir, "peer", filepath.Join("..", "shared", "peer-bench"), "folder of the JVM peer")
	flags.StringVar(&f.work, "work", filepath.Join(os.TempDir(), "millrace-bench"), "scratch space: the broker's data, the peer's jars, state")
	flags.StringVar(&f.port, "port", "29092", "port of the broker that is started")
	flags.BoolVar(&f.keep, "keep", false, "leave the broker running, with what was loaded")
	flags.StringVar(&f.out, "lines", "", "file that every run's line is appended to")
	flags.Int64Var(&f.records, "records", 0, "records of each set, instead of the full size")
	flags.Int64Var(&f.restored, "restored", 0, "records of the changelog, instead of the full size")
	flags.StringVar(&f.profile, "cpuprofile", "", "file for a CPU profile of this process")
	flags.StringVar(&f.heap, "memprofile", "", "file for a heap profile at the last record of a run")
	flags.DurationVar(&f.linger, "linger", -1, "how long the producer waits for more, instead of the default")
	flags.StringVar(&s.run.codec, "codec", "none", "compression of the input: none or lz4")
	flags.BoolVar(&s.run.check, "check", true, "compare the output with an independent computation")
	flags.BoolVar(&s.run.serve, "serve", false, "run until interrupted")
	flags.BoolVar(&s.run.eos, "eos", false, "exactly-once")
	flags.StringVar(&s.run.applicationID, "application", "", "application id, instead of a new one")
	flags.StringVar(&s.run.input, "input", "", "input topic, instead of the set's")
	flags.StringVar(&s.run.output, "output", "", "output topic, instead of a new one")
	flags.DurationVar(&s.run.commitInterval, "commit", 0, "commit interval, instead of the default")
	flags.BoolVar(&s.any, "any", false, "count runs also in which others used much of the machine")
	flags.IntVar(&s.pairs, "pairs", 3, "how many quiet pairs a comparison needs")
	flags.Int64Var(&s.memory, "memory", 1<<30, "memory limit of restoring, bytes")
	flags.DurationVar(&s.warmup, "warmup", 10*time.Second, "what latency leaves out at the beginning")
	flags.DurationVar(&s.during, "during", 30*time.Second, "how long latency is measured")
	return flags
}

// scaled are the data sets, at a reduced size where one is given.
func scaled(records, restored int64) map[string]dataset {
	sets := datasets()
	for name, d := range sets {
		size := records
		switch name {
		case "restore":
			size = restored
		case "table": // has to have a row for each key
			continue
		}
		if size > 0 && size < d.records {
			if d.records = size; d.permuted {
				d.keys = size
			}
			sets[name] = d
		}
	}
	return sets
}

// open finds the broker and the peer.
func (s *session) open(ctx context.Context, f settings) (err error) {
	s.run.stateDir = filepath.Join(f.work, "state")
	if err := os.MkdirAll(s.run.stateDir, 0o755); err != nil {
		return err
	}
	s.lines, s.run.linger = io.Discard, f.linger
	// What the JVM has to say is kept, but nobody needs to read it while all is well.
	chatter, err := os.OpenFile(filepath.Join(f.work, "peer.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	s.chatter = chatter
	if s.peer, err = newPeer(f.peerDir, f.work, f.port, chatter); err != nil {
		if f.brokers == "" {
			return fmt.Errorf("%w; without it, -brokers must say where a broker is", err)
		}
		_, _ = fmt.Fprintln(s.log, "bench:", err)
	}
	if f.brokers == "" {
		if f.brokers, f.brokerPID, err = s.peer.startBroker(ctx); err != nil {
			return fmt.Errorf("%w; %s says more", err, chatter.Name())
		}
		s.started = true
	}
	s.self = []string{"-brokers", f.brokers, "-broker-pid", f.brokerPID, "-work", f.work, "-codec", s.run.codec, "-peer", f.peerDir,
		fmt.Sprint("-records=", f.records), fmt.Sprint("-restored=", f.restored), fmt.Sprint("-check=", s.run.check), fmt.Sprint("-memory=", s.memory)}
	s.cluster, err = connect(strings.Split(f.brokers, ","), f.brokerPID)
	return err
}

// shut closes what open opened.
func (s *session) shut(f settings) error {
	var err error
	if s.cluster != nil {
		s.cluster.close()
	}
	if s.peer != nil && s.started && !f.keep {
		err = s.peer.stopBroker()
	}
	if s.chatter != nil {
		err = errors.Join(err, s.chatter.Close())
	}
	return err
}

// do is one command.
func (s *session) do(ctx context.Context, command string, args []string) error {
	switch command {
	case "run":
		return s.runOne(ctx, args)
	case "load":
		return s.load(ctx, append(args, allSets(args)...)...)
	case "compare":
		return s.compare(ctx, args)
	case "restore":
		return s.compare(ctx, []string{"restore"})
	case "limits":
		if err := s.load(ctx, "small", "restore"); err != nil {
			return err
		}
		return s.cluster.limits(ctx, os.Stdout, s.run.options, s.run.stateDir)
	case "latency":
		return s.latencies(ctx, s.warmup, s.during, io.MultiWriter(os.Stdout, s.lines))
	}
	return fmt.Errorf("no command %q; there are: compare, run, restore, latency, limits, load", command)
}

func allSets(args []string) []string {
	if len(args) > 0 {
		return nil
	}
	return []string{"small", "large", "left", "right", "table", "restore"}
}

func (s *session) runOne(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("run takes one workload: %s restore", workloadNames)
	}
	s.run.name = args[0]
	var r result
	var err error
	if args[0] == "restore" {
		r, err = s.cluster.restore(ctx, s.run, s.memory)
	} else {
		r, err = s.cluster.run(ctx, s.run)
	}
	if err != nil || s.run.serve {
		return err
	}
	return r.write(os.Stdout)
}

// load fills the topics of the named sets.
func (s *session) load(ctx context.Context, names ...string) error {
	for _, name := range names {
		d, ok := s.run.sets[name]
		if !ok {
			return fmt.Errorf("no data set %q", name)
		}
		if err := s.cluster.load(ctx, s.log, d, s.run.codec); err != nil {
			return err
		}
		if d.blob { // the input of the application whose changelog it is
			if err := s.cluster.prepare(ctx, "restore-"+s.run.codec+"-input"); err != nil {
				return err
			}
		}
	}
	return nil
}

// needs are the sets that a workload reads.
func needs(name string) []string {
	switch name {
	case "count-large":
		return []string{"large"}
	case "join-table":
		return []string{"small", "table"}
	case "join-stream":
		return []string{"left", "right"}
	case "restore":
		return []string{"restore"}
	}
	return []string{"small"}
}

// compare runs workloads of both sides in turns.
func (s *session) compare(ctx context.Context, names []string) error {
	if len(names) == 0 {
		names = append(strings.Fields(workloadNames), "restore")
	}
	for _, name := range names {
		if err := s.load(ctx, needs(name)...); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintln(s.log, "bench:", machine())
	c := comparing{peer: s.peer, self: s.self, pairs: s.pairs, any: s.any, lines: s.lines, log: s.log, scale: s.scale}
	return c.all(ctx, names, os.Stdout)
}
