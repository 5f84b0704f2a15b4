// Package embedded is a Kafka broker in the process: for demos, for tests that
// should need nothing, and to try a topology out. It speaks Kafka's protocol on a
// loopback port, with groups, transactions and SASL, and keeps everything in memory.
//
// It is no Kafka: nothing is replicated, compacted or expired, and a restarted
// static member causes a rebalance. Tests of such things need a real one.
package embedded

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Broker is a running broker. It is safe for concurrent use.
type Broker struct{ cluster *kfake.Cluster }

// Option changes what Start starts.
type Option func(*options)

type options struct {
	port  int
	kfake []kfake.Opt
}

// WithPort listens on that port of the loopback interface; without it, on a free one.
func WithPort(port int) Option { return func(o *options) { o.port = port } }

// WithTopic creates a topic before anybody can ask for it.
func WithTopic(name string, partitions int32) Option {
	return func(o *options) { o.kfake = append(o.kfake, kfake.SeedTopics(partitions, name)) }
}

// WithUser demands authentication, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, and
// lets this user do everything. It can be given several times.
func WithUser(mechanism, user, password string) Option {
	return func(o *options) {
		o.kfake = append(o.kfake, kfake.EnableSASL(), kfake.Superuser(mechanism, user, password))
	}
}

// WithTLS makes the broker speak TLS only, with this configuration.
func WithTLS(c *tls.Config) Option {
	return func(o *options) { o.kfake = append(o.kfake, kfake.TLS(c)) }
}

// maxSessionTimeout is a real broker's (group.max.session.timeout.ms).
const maxSessionTimeout = 30 * time.Minute

// Start starts a broker; close it after its clients. Topics are not created by
// being asked for, as in a well-kept cluster.
func Start(opts ...Option) (*Broker, error) {
	o := options{kfake: []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMaxSessionTimeout(maxSessionTimeout), kfake.ListenFn(loopback)}}
	for _, opt := range opts {
		opt(&o)
	}
	if o.port != 0 {
		o.kfake = append(o.kfake, kfake.Ports(o.port))
	}
	cluster, err := kfake.NewCluster(o.kfake...)
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	return &Broker{cluster}, nil
}

// loopback keeps the broker on this machine whatever address it is asked for.
func loopback(network, address string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return net.Listen(network, net.JoinHostPort("127.0.0.1", port))
}

// Addrs are the host:port addresses to give to clients.
func (b *Broker) Addrs() []string { return slices.Clone(b.cluster.ListenAddrs()) }

// CreateTopic creates a topic; one that exists already is an error.
func (b *Broker) CreateTopic(name string, partitions int32) error {
	if err := b.cluster.CreateTopic(name, partitions, nil); err != nil {
		return fmt.Errorf("embedded: creating topic %s: %w", name, err)
	}
	return nil
}

// Close stops the broker and forgets its data. Closing twice is fine.
func (b *Broker) Close() { b.cluster.Close() }
