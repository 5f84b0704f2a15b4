package main

import (
	"crypto/tls"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/millrace/millrace/streams"
)

// cluster is how to reach Kafka, for the job and for the demo's own clients.
type cluster struct {
	brokers []string
	sasl    streams.SASL
	tls     *tls.Config
}

// clusterOf is where an application of that configuration finds its Kafka.
func clusterOf(c streams.Config) (cluster, error) {
	out := cluster{brokers: c.Brokers, sasl: c.SASL, tls: c.TLS}
	_, err := out.mechanism()
	return out, err
}

// mechanism is the client's form of the credentials; nil without any.
func (c cluster) mechanism() (sasl.Mechanism, error) {
	user, password := c.sasl.User, string(c.sasl.Password)
	switch c.sasl.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("KAFKA_SASL_MECHANISM=%s: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", c.sasl.Mechanism)
}

// client is one for the demo's own reading and writing.
func (c cluster) client(opts ...kgo.Opt) (*kgo.Client, error) {
	all := []kgo.Opt{kgo.SeedBrokers(c.brokers...), kgo.ClientID("useractivity-demo")}
	if c.tls != nil {
		all = append(all, kgo.DialTLSConfig(c.tls))
	}
	mechanism, err := c.mechanism()
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		all = append(all, kgo.SASL(mechanism))
	}
	return kgo.NewClient(append(all, opts...)...)
}
