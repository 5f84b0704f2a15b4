package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	clientID = "k8s-producer"
	user     = "app-producer"
)

// config is what comes from outside; the rest is the program's own.
type config struct {
	brokers  []string
	password string
	// tls is nil for a listener without.
	tls *tls.Config
}

// fromEnv reads the two variables that a deployment sets, and KAFKA_TLS_CA_FILE if the
// listener is SASL_SSL.
func fromEnv(getenv func(string) string) (config, error) {
	servers, password := getenv("KAFKA_BOOTSTRAP_SERVERS"), getenv("KAFKA_PASSWORD")
	var faults []error
	if servers == "" {
		faults = append(faults, errors.New("KAFKA_BOOTSTRAP_SERVERS is not set: host:port, several separated by commas"))
	}
	if password == "" {
		faults = append(faults, fmt.Errorf("KAFKA_PASSWORD is not set: the password of the user %s", user))
	}
	conf, err := trust(getenv("KAFKA_TLS_CA_FILE"))
	if err != nil {
		faults = append(faults, err)
	}
	return config{strings.Split(servers, ","), password, conf}, errors.Join(faults...)
}

// trust is TLS with the authority in a file; no file is no TLS.
func trust(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("KAFKA_TLS_CA_FILE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("KAFKA_TLS_CA_FILE: %s holds no certificate in PEM", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// options is the client: the durable way to produce, and retries that end while
// somebody is still waiting for the answer.
func (c config) options() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.brokers...),
		kgo.ClientID(clientID),
		kgo.SASL(scram.Auth{User: user, Pass: c.password}.AsSha512Mechanism()),
		kgo.RequiredAcks(kgo.AllISRAcks()), // with idempotence, which is the default
		kgo.DialTimeout(3 * time.Second),
		kgo.RetryTimeout(5 * time.Second),
		kgo.RecordDeliveryTimeout(7 * time.Second),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.UnknownTopicRetries(2),
	}
	if c.tls != nil {
		opts = append(opts, kgo.DialTLSConfig(c.tls))
	}
	return opts
}

// explain adds to a broker's answer what to do about it.
func explain(err error, c config) error {
	for code, advice := range map[error]string{
		kerr.SaslAuthenticationFailed:   "the broker refused user " + user + ": check KAFKA_PASSWORD",
		kerr.TopicAuthorizationFailed:   "user " + user + " may not write: it needs the ACL Write on topic " + topic,
		kerr.ClusterAuthorizationFailed: "user " + user + " may not produce idempotently: it needs the ACL IdempotentWrite on the cluster",
		kerr.UnknownTopicOrPartition:    "topic " + topic + " does not exist: create it",
	} {
		if errors.Is(err, code) {
			return fmt.Errorf("%s (%w)", advice, err)
		}
	}
	addrs := strings.Join(c.brokers, ",")
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s closed the connection during authentication: check KAFKA_PASSWORD, and that the listener is SASL_PLAINTEXT with SCRAM-SHA-512 (%w)", addrs, err)
	}
	return fmt.Errorf("no answer from %s: %w", addrs, err)
}
