package broker

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/kafka"
)

const (
	// pingTimeout is how long a Docker daemon may take to say that it is there.
	pingTimeout = 10 * time.Second
	// startTimeout includes the pull of an image of half a gigabyte.
	startTimeout = 5 * time.Minute
)

// settings turn one node into a broker for tests: what a cluster replicates is
// there once, groups form at once, and a topic that nobody created is an error.
func settings() map[string]string {
	return map[string]string{
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR":         "1",
		"KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS":             "5",
		"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
		"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR":            "1",
		"KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS":     "5",
		"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS":         "0",
		"KAFKA_AUTO_CREATE_TOPICS_ENABLE":                "false",
	}
}

// container starts Kafka in Docker.
func container(ctx context.Context, getenv func(string) string) (*Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := steer(); err != nil {
		return nil, err
	}
	docker, err := daemon(ctx)
	if err != nil {
		return nil, err
	}
	defer docker.Close()
	image, err := chooseImage(getenv, func(name string) bool {
		_, err := docker.Client().ImageInspect(ctx, name)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return StartContainer(ctx, image, nil)
}

// StartContainer starts Kafka from an image that keeps the contract of
// confluentinc/confluent-local, with more KAFKA_ variables if wanted, for tests
// that need a broker of their own.
func StartContainer(ctx context.Context, image string, env map[string]string) (*Broker, error) {
	all := settings()
	maps.Copy(all, env)
	begin := time.Now()
	c, err := kafka.Run(ctx, image, testcontainers.WithEnv(all), testcontainers.WithLogger(log.New(io.Discard, "", 0)))
	stop := func() error { return testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0)) }
	if err != nil {
		_ = stop() // what there is of it; the first error is the one to tell
		return nil, fmt.Errorf("container of %s: %w", image, err)
	}
	addrs, err := c.Brokers(ctx)
	if err != nil {
		_ = stop()
		return nil, fmt.Errorf("container of %s: %w", image, err)
	}
	about := fmt.Sprintf("image %s, up in %.1f s", image, time.Since(begin).Seconds())
	return &Broker{Kind: Container, Addrs: addrs, Image: image, about: about, close: stop}, nil
}

// steer sets what testcontainers takes only from the environment, unless somebody
// set it on purpose. Its reaper is one more image to be pulled, for containers that
// Close removes anyway. And where the daemon's bridge is one of our own interfaces,
// ports are published on this very host, even if it looks like a container itself.
func steer() error {
	defaults := map[string]string{"TESTCONTAINERS_RYUK_DISABLED": "true"}
	if _, err := net.InterfaceByName("docker0"); err == nil {
		defaults["TESTCONTAINERS_HOST_OVERRIDE"] = "127.0.0.1"
	}
	for name, value := range defaults {
		if _, set := os.LookupEnv(name); set {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// daemon finds the Docker daemon, or says that there is none.
func daemon(ctx context.Context) (docker *testcontainers.DockerProvider, err error) {
	// The library panics where it finds no socket to try.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("no Docker daemon: %v", r)
		}
	}()
	docker, err = testcontainers.NewDockerProvider(testcontainers.WithLogger(log.New(io.Discard, "", 0)))
	if err != nil {
		return nil, fmt.Errorf("no Docker daemon: %w", err)
	}
	ping, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if _, err := docker.Client().Ping(ping); err != nil {
		_ = docker.Close()
		return nil, fmt.Errorf("no Docker daemon: %w", err)
	}
	return docker, nil
}
