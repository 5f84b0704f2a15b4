package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
)

// childEnv turns the test binary into an application: it names its id. The rest of
// what the application needs is in the variables beside it.
const childEnv = "MILLRACE_TEST_CHILD"

// child is the main function of such a process. It runs until it is killed.
func child(getenv func(string) string) int {
	if getenv(childEnv+"_EXACTLY") != "" {
		return exactChild(getenv)
	}
	app, err := streams.New(counting(getenv(childEnv+"_IN"), getenv(childEnv+"_OUT")), streams.Config{
		ApplicationID:      getenv(childEnv),
		Brokers:            strings.Split(getenv(childEnv+"_BROKERS"), ","),
		StateDir:           getenv(childEnv + "_STATE"),
		CommitInterval:     100 * time.Millisecond,
		NumStandbyReplicas: len(getenv(childEnv + "_STANDBYS")), // one for each letter
		// A member that was killed must be missed soon.
		SessionTimeout: 6 * time.Second, HeartbeatInterval: time.Second,
	})
	if err == nil {
		err = app.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process is a child.
type process struct {
	*exec.Cmd
	output *bytes.Buffer // to be read after its end only
	exited chan struct{}
	err    error // once it has exited
}

// Wait waits for the end of the process; several may.
func (p *process) Wait() error {
	<-p.exited
	return p.err
}

// spawn starts an application in a process of its own; it is killed with the test.
func spawn(t *testing.T, app, in, out, state string, more ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+app, childEnv+"_IN="+in, childEnv+"_OUT="+out,
		childEnv+"_STATE="+state, childEnv+"_BROKERS="+strings.Join(kafka(t).Addrs, ","))
	cmd.Env = append(cmd.Env, more...)
	p := &process{Cmd: cmd, output: new(bytes.Buffer), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	require.NoError(t, cmd.Start())
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the process without a chance to say goodbye, and waits until it is gone.
func (p *process) kill() {
	_ = p.Process.Signal(syscall.SIGKILL)
	<-p.exited
}
