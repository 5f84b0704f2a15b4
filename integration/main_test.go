package integration_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/millrace/millrace/integration/broker"
)

// shared starts the suite's broker, once. Tests share it, and so have names of
// their own for everything in it.
var shared = sync.OnceValues(func() (*broker.Broker, error) {
	return broker.Start(context.Background(), os.Getenv)
})

// TestMain is also the main function of the child processes that tests start.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child(os.Getenv))
	}
	b, err := shared()
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
	fmt.Println("integration:", b)
	code := m.Run()
	if err := b.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}
