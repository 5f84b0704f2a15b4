package embedded

import (
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// maxSessionTimeout is the default of real brokers.
const maxSessionTimeout = 30 * time.Minute

// Option changes how a Broker starts.
type Option func(*settings)

type settings struct {
	topics []topic
	users  []user
	port   int
	tls    *tls.Config
	faults []error
}

type topic struct {
	name       string
	partitions int32
}

type user struct{ mechanism, name, password string }

// WithTopic creates a topic at the start, with DefaultPartitions if partitions
// is 0.
func WithTopic(name string, partitions int32) Option {
	return func(s *settings) { s.topics = append(s.topics, topic{name, count(partitions)}) }
}

// WithSASL asks clients to authenticate as this user. The mechanism is PLAIN,
// SCRAM-SHA-256 or SCRAM-SHA-512. It may be given more than once.
func WithSASL(mechanism, name, password string) Option {
	return func(s *settings) {
		if !slices.Contains([]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, mechanism) {
			s.faults = append(s.faults, fmt.Errorf("SASL mechanism %q is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", mechanism))
		}
		s.users = append(s.users, user{mechanism, name, password})
	}
}

// WithTLS makes the broker speak TLS only.
func WithTLS(c *tls.Config) Option { return func(s *settings) { s.tls = c } }

// WithPort listens on a fixed port of the loopback interface. Without it the
// system chooses a free one, which is what tests want.
func WithPort(port int) Option {
	return func(s *settings) {
		if port < 1 || port > 65535 {
			s.faults = append(s.faults, fmt.Errorf("port %d is not between 1 and 65535", port))
		}
		s.port = port
	}
}

// cluster is what the settings mean to kfake: one broker, and no topic that
// nobody asked for.
func (s *settings) cluster() []kfake.Opt {
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.DefaultNumPartitions(DefaultPartitions),
		// Static members may stay away as long as a pod takes to be moved.
		kfake.GroupMaxSessionTimeout(maxSessionTimeout),
	}
	for _, t := range s.topics {
		opts = append(opts, kfake.SeedTopics(t.partitions, t.name))
	}
	for _, u := range s.users {
		opts = append(opts, kfake.EnableSASL(), kfake.Superuser(u.mechanism, u.name, u.password))
	}
	if s.port != 0 {
		opts = append(opts, kfake.Ports(s.port))
	}
	if s.tls != nil {
		opts = append(opts, kfake.TLS(s.tls))
	}
	return opts
}
