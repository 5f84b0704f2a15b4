package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config says how to reach the brokers. It is immutable once in use, and safe
// for concurrent use then.
type Config struct {
	// Brokers are host:port addresses of some brokers; the others are learnt.
	Brokers []string
	// ClientID names the clients in the brokers' logs and quotas; empty is "millrace".
	ClientID string
	// TLS encrypts all connections; certificates in it make it mTLS. Nil is plain text.
	TLS *tls.Config
	// SASL authenticates if its Mechanism is set.
	SASL SASL
	// AllowPlaintext permits the mechanism PLAIN without TLS, which shows the
	// password to whoever can see the network.
	AllowPlaintext bool
	// Opts are added to every client, before the options of its purpose.
	Opts []kgo.Opt
	// Logger gets what the clients warn about; nil is slog.Default().
	Logger *slog.Logger
}

const defaultClientID = "millrace"

// New builds a client. The extra options say what it is for and win over the
// Config's. Nothing is dialled yet. The caller closes the client.
func (c Config) New(extra ...kgo.Opt) (*kgo.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(slices.Concat(opts, c.Opts, extra)...)
	if err != nil {
		return nil, fmt.Errorf("options of the Kafka client: %w", err)
	}
	return cl, nil
}

// Validate reports everything that is wrong with the Config, joined.
func (c Config) Validate() error {
	var faults []error
	if len(c.Brokers) == 0 {
		faults = append(faults, errors.New("no brokers: name at least one as host:port"))
	}
	for _, b := range c.Brokers {
		faults = append(faults, checkAddress(b))
	}
	faults = append(faults, c.SASL.validate())
	if c.showsPassword() {
		faults = append(faults, errors.New("SASL PLAIN without TLS would show the password to the network: set TLS, use SCRAM-SHA-512, or allow it explicitly"))
	}
	return errors.Join(faults...)
}

// checkAddress accepts what the client accepts: a host, with or without a port.
func checkAddress(broker string) error {
	host, port, err := net.SplitHostPort(broker)
	if err != nil {
		return fmt.Errorf("broker address %q is not host:port", broker)
	}
	if host == "" || port == "" || port == "0" {
		return fmt.Errorf("broker address %q lacks its host or port", broker)
	}
	return nil
}

// showsPassword: traffic that stays on this machine is nobody else's to see.
func (c Config) showsPassword() bool {
	if c.SASL.Mechanism != Plain || c.TLS != nil || c.AllowPlaintext {
		return false
	}
	return slices.ContainsFunc(c.Brokers, func(b string) bool { return !loopback(b) })
}

// loopback recognises addresses whose traffic never leaves this machine; a name
// other than localhost could resolve to anything.
func loopback(broker string) bool {
	host, _, err := net.SplitHostPort(broker)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// options are those that all clients share.
func (c Config) options() ([]kgo.Opt, error) {
	id := c.ClientID
	if id == "" {
		id = defaultClientID
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		kgo.WithLogger(newLogger(c.Logger)),
	}
	if c.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(modern(c.TLS)))
	}
	if c.SASL.Mechanism == "" {
		return opts, nil
	}
	m, err := c.SASL.mechanism()
	return append(opts, kgo.SASL(m)), err
}

// modern refuses versions of TLS that are broken. The caller's config is not
// changed.
func modern(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}
