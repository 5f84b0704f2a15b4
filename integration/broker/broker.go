package broker

import (
	"context"
	"fmt"
	"strings"
)

// Kind says how real a broker is.
type Kind string

// The kinds of brokers.
const (
	Container Kind = "container"
	External  Kind = "external"
	Embedded  Kind = "embedded"
)

// Broker is a running Kafka. Its fields do not change; close it once, when nobody
// uses it any more.
type Broker struct {
	Kind Kind
	// Addrs are host:port addresses, reachable from the tests.
	Addrs []string
	// Image is the container's; empty for the other kinds.
	Image string
	// about is what the run's one line says beyond the kind.
	about string
	close func() error
}

// Real is whether this is Apache Kafka, and not the broker in the process.
func (b *Broker) Real() bool { return b.Kind != Embedded }

// String is the one line that a run prints about its broker.
func (b *Broker) String() string {
	return fmt.Sprintf("%s broker at %s: %s", b.Kind, strings.Join(b.Addrs, ","), b.about)
}

// Close stops what Start started; an external broker is left alone.
func (b *Broker) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// Start starts or finds the broker that the environment asks for. Only where the
// environment leaves the choice open may it fall back to the embedded one; the
// reason is then in String.
func Start(ctx context.Context, getenv func(string) string) (*Broker, error) {
	switch want := getenv("MILLRACE_TEST_BROKER"); want {
	case "":
		return best(ctx, getenv)
	case string(Container):
		return container(ctx, getenv)
	case string(Embedded):
		return inProcess("as MILLRACE_TEST_BROKER asks")
	default:
		return external(want)
	}
}

// best is a container, or the reason why not together with the embedded broker.
func best(ctx context.Context, getenv func(string) string) (*Broker, error) {
	b, err := container(ctx, getenv)
	if err == nil {
		return b, nil
	}
	return inProcess("no container: " + firstLine(err))
}

// external trusts the address: whether anybody answers there is the first test's
// business, with a better message.
func external(want string) (*Broker, error) {
	addrs := strings.Split(want, ",")
	for _, addr := range addrs {
		if !strings.Contains(addr, ":") {
			return nil, fmt.Errorf("MILLRACE_TEST_BROKER=%s: want container, embedded, or host:port", want)
		}
	}
	return &Broker{Kind: External, Addrs: addrs, about: "by MILLRACE_TEST_BROKER"}, nil
}

// firstLine keeps the run's line one line.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
