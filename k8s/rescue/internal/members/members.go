// Package members is the tool's way to Kafka: the static members of a consumer
// group, and their removal.
package members

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// timeout bounds each question to Kafka: the tool has pods to free meanwhile.
const timeout = 10 * time.Second

// Groups are those of one Kafka cluster. It is safe for concurrent use; close it.
type Groups struct {
	client *kgo.Client
	admin  *kadm.Client
}

// FromEnv connects as KAFKA_BOOTSTRAP_SERVERS, KAFKA_USERNAME, KAFKA_PASSWORD
// (SCRAM-SHA-512) and KAFKA_TLS_CA_FILE say. Without an address it is nil: the tool
// then frees pods and leaves the members to their session timeout.
func FromEnv(getenv func(string) string) (*Groups, error) {
	servers := getenv("KAFKA_BOOTSTRAP_SERVERS")
	if servers == "" {
		return nil, nil
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.ClientID("millrace-rescue"),
		kgo.DialTimeout(3 * time.Second), kgo.RetryTimeout(timeout),
	}
	if user := getenv("KAFKA_USERNAME"); user != "" {
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: getenv("KAFKA_PASSWORD")}.AsSha512Mechanism()))
	}
	if file := getenv("KAFKA_TLS_CA_FILE"); file != "" {
		conf, err := trust(file)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &Groups{client, kadm.NewClient(client)}, nil
}

// trust is TLS with the certificate authority of a file.
func trust(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("KAFKA_TLS_CA_FILE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("KAFKA_TLS_CA_FILE: %s holds no certificate", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// Close ends the connection.
func (g *Groups) Close() { g.client.Close() }

// Static lists the instance ids in the group, sorted. A group that does not exist
// has none.
func (g *Groups) Static(ctx context.Context, group string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	described, err := g.admin.DescribeGroups(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", group, err)
	}
	d := described[group]
	if errors.Is(d.Err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	if d.Err != nil {
		return nil, fmt.Errorf("describe group %s: %w", group, d.Err)
	}
	var out []string
	for _, m := range d.Members {
		if m.InstanceID != nil {
			out = append(out, *m.InstanceID)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Remove makes static members leave the group (KIP-345), so that their tasks move at
// once. A member that is not there has left already.
func (g *Groups) Remove(ctx context.Context, group string, instances ...string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	left, err := g.admin.LeaveGroup(ctx, kadm.LeaveGroup(group).Reason("its pod is gone for good").InstanceIDs(instances...))
	if err != nil {
		return fmt.Errorf("remove members of group %s: %w", group, err)
	}
	var faults []error
	for _, l := range left {
		if l.Err != nil && !errors.Is(l.Err, kerr.UnknownMemberID) {
			faults = append(faults, fmt.Errorf("remove member %s of group %s: %w", l.InstanceID, group, l.Err))
		}
	}
	return errors.Join(faults...)
}
