package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peer is the JVM's side: scripts that start a broker and run Kafka Streams.
type peer struct {
	// dir is a writable copy of its folder, work its scratch space.
	dir, work string
	port      string
	log       io.Writer
}

// errNoPeer says that there is nothing to compare with.
var errNoPeer = errors.New("the peer's folder is absent, so there is nothing to compare with; give it by -peer")

// newPeer copies the peer's folder, which may be read-only, and keeps its jars for
// the next time.
func newPeer(source, work, port string, log io.Writer) (*peer, error) {
	if _, err := os.Stat(filepath.Join(source, "run.sh")); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoPeer, err)
	}
	p := &peer{filepath.Join(work, "peer"), work, port, log}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	if _, err := os.Stat(p.dir); err == nil {
		return p, nil
	}
	if err := os.CopyFS(p.dir, os.DirFS(source)); err != nil {
		return nil, err
	}
	return p, p.writable()
}

// writable undoes what a read-only source left in the copy.
func (p *peer) writable() error {
	return filepath.WalkDir(p.dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() || strings.HasSuffix(path, ".sh"):
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
}

// command is one of its scripts, with its environment.
func (p *peer) command(ctx context.Context, script string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.dir, script), args...)
	cmd.Env = append(os.Environ(), "PORT="+p.port, "WORK="+p.work)
	cmd.Stderr = p.log
	return cmd
}

// startBroker starts the broker, or finds it running, and returns address and pid.
func (p *peer) startBroker(ctx context.Context) (addr, pid string, err error) {
	cmd := p.command(ctx, "broker.sh", "start")
	cmd.Stdout = p.log
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("starting the broker: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(p.work, "broker-"+p.port, "pid"))
	return "127.0.0.1:" + p.port, strings.TrimSpace(string(raw)), err
}

func (p *peer) stopBroker() error { return p.command(context.Background(), "broker.sh", "stop").Run() }

// run runs one workload on Kafka Streams.
func (p *peer) run(ctx context.Context, args ...string) (r result, err error) {
	out, err := p.command(ctx, "run.sh", args...).Output()
	if err != nil {
		return r, fmt.Errorf("the peer's %s: %w", args[0], err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &r); err != nil {
		return r, fmt.Errorf("the peer's result is not what it was: %w", err)
	}
	return r, nil
}

// peerArgs are the settings with which the peer does best, by its reference run.
func peerArgs(name string) []string {
	const noCache = "--c.statestore.cache.max.bytes=0"
	switch name {
	case "count":
		return []string{"count", "--profile=default", noCache}
	case "count-cache":
		return []string{"count", "--profile=tuned"}
	case "count-large":
		return []string{"count-large", "--profile=tuned", noCache}
	case "window", "join-stream", "count-eos":
		return []string{name, "--profile=default"}
	}
	return []string{name, "--profile=tuned"}
}
