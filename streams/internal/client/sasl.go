package client

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The mechanisms, by Kafka's names.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// SASL is how to authenticate. It prints without its password.
type SASL struct {
	// Mechanism is Plain, ScramSHA256 or ScramSHA512; empty is none.
	Mechanism string
	User      string
	Password  string
}

// String shows the mechanism and the user.
func (s SASL) String() string { return fmt.Sprintf("{%s %s}", s.Mechanism, s.User) }

// GoString is String: %#v shows no password either.
func (s SASL) GoString() string { return s.String() }

// LogValue is String, for slog.
func (s SASL) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that no encoder writes the password.
func (s SASL) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// validate names the mechanism, never the credentials.
func (s SASL) validate() error {
	switch s.Mechanism {
	case "":
		if s.User != "" || s.Password != "" {
			return errors.New("SASL has a user or password but no mechanism: set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
		}
		return nil
	case Plain, ScramSHA256, ScramSHA512:
		if s.User == "" || s.Password == "" {
			return fmt.Errorf("SASL %s needs a user and a password; one of them is empty", s.Mechanism)
		}
		return nil
	}
	return fmt.Errorf("SASL mechanism %q is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", s.Mechanism)
}

// mechanism is the client's; the Config was validated before.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case Plain:
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism(), nil
	case ScramSHA256:
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism(), nil
	case ScramSHA512:
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism(), nil
	}
	return nil, s.validate()
}
