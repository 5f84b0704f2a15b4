package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Error is a failure to work with the brokers, explained.
type Error struct {
	// Brokers are the addresses that were tried.
	Brokers []string
	// Cause says what happened, Remedy what to do.
	Cause, Remedy string
	// Err is what the client reported.
	Err error
}

// Error is one line. It holds no credentials.
func (e *Error) Error() string {
	return fmt.Sprintf("Kafka at %s: %s; %s (%v)", strings.Join(e.Brokers, ","), e.Cause, e.Remedy, e.Err)
}

// Unwrap is what the client reported.
func (e *Error) Unwrap() error { return e.Err }

// Explain turns a failure of a client into an *Error where its cause is known,
// and returns err as it is where not. Errors that were explained already stay.
func Explain(err error, brokers []string) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	for _, c := range causes() {
		if c.is(err) {
			return &Error{Brokers: brokers, Cause: c.cause, Remedy: c.remedy, Err: err}
		}
	}
	return err
}

// cause is one row of the table of things that go wrong.
type cause struct {
	is            func(error) bool
	cause, remedy string
}

// causes is in order: the first row that fits explains.
func causes() []cause {
	return []cause{
		{code(kerr.SaslAuthenticationFailed), "authentication failed", "check the SASL user and password"},
		{text("authentication failed"), "authentication failed", "check the SASL user and password"},
		{code(kerr.UnsupportedSaslMechanism), "the broker does not offer this SASL mechanism", "use one that its listener has enabled"},
		{code(kerr.IllegalSaslState), "the broker's listener expects another kind of login", "check the port and whether SASL is to be used"},
		{code(kerr.TopicAuthorizationFailed), "not authorized for a topic", "grant the user Read, Write, Create and Describe on the application's topics (prefix = application id) and Read on its sources"},
		{code(kerr.GroupAuthorizationFailed), "not authorized for the group", "grant the user Read and Describe on the group with the application's id"},
		{code(kerr.TransactionalIDAuthorizationFailed), "not authorized for the transactional id", "grant the user Write and Describe on transactional ids with the application id as prefix"},
		{code(kerr.ClusterAuthorizationFailed), "not authorized on the cluster", "grant the user Create on the cluster or on the topics' prefix, and IdempotentWrite on brokers before 3.0"},
		{as[x509.UnknownAuthorityError], "the broker's certificate is signed by an authority that is not trusted", "add the cluster's CA to TLS.RootCAs"},
		{as[x509.HostnameError], "the broker's certificate is for another host name", "use the name in the certificate, or set TLS.ServerName"},
		{as[x509.CertificateInvalidError], "the broker's certificate is not valid (expired?)", "renew it, or check this machine's clock"},
		{as[tls.RecordHeaderError], "the broker's port does not speak TLS", "use its TLS listener, or connect without TLS"},
		{as[tls.AlertError], "the broker refused this client's TLS certificate or version", "give a client certificate that the cluster's client CA signed"},
		{text("remote error: tls"), "the broker refused this client's TLS certificate or version", "give a client certificate that the cluster's client CA signed"},
		{text("looks like TLS", "TLS alert", "invalid large response size"), "the broker's port speaks TLS and this client does not", "set TLS, or use the plain listener"},
		{text("is TLS missing"), "the broker closed the connection at once", "does this port need TLS?"},
		{text("using TLS when the broker is not expecting it"), "the broker closed the connection at once", "does this port speak TLS?"},
		{text("is SASL missing"), "the broker closed the connection instead of answering", "does this port need SASL, and are user and password right?"},
		{as[*net.DNSError], "the host name cannot be resolved", "check the broker's address and the DNS"},
		{is(syscall.ECONNREFUSED), "nothing listens at this address", "is the broker running, and is the port right?"},
		{is(syscall.EHOSTUNREACH, syscall.ENETUNREACH), "the host cannot be reached", "check the network and the broker's address"},
		{is(syscall.ECONNRESET), "the connection was reset", "a TLS or SASL mismatch, or a firewall: check the listener's settings"},
		{is(io.EOF, io.ErrUnexpectedEOF), "the broker closed the connection", "check TLS, and the SASL user and password"},
		{is(kgo.ErrClientClosed), "the client was closed", "do not use it after Close"},
		{timedOut, "no answer in time", "is this the address of a broker, does its port speak TLS as configured, and does its advertised.listeners name an address that is reachable from here?"},
	}
}

// code is one of Kafka's error codes.
func code(want *kerr.Error) func(error) bool { return is(want) }

// is matches any of the errors, however deep it is wrapped.
func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

// as matches a type of error.
func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// text looks for words where the cause has no type of its own.
func text(words ...string) func(error) bool {
	return func(err error) bool {
		for _, w := range words {
			if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(w)) {
				return true
			}
		}
		return false
	}
}

// timedOut comes last: an error with a better name may have a timeout within.
func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
