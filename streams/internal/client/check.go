package client

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Check asks the brokers for something small, so that a wrong address, password
// or certificate shows at once and by its name. It tries each known broker once.
// The error is an *Error if its cause is known.
func Check(ctx context.Context, cl *kgo.Client) error {
	err := cl.Ping(ctx)
	if err == nil {
		return nil
	}
	brokers, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	if authenticates(cl) && errors.Is(err, io.EOF) {
		return &Error{
			Brokers: brokers, Err: err,
			Cause:  "the broker closed the connection during the login",
			Remedy: "check the SASL user, password and mechanism, and whether the port needs TLS",
		}
	}
	var known *Error
	if explained := Explain(err, brokers); errors.As(explained, &known) {
		return explained
	}
	return fmt.Errorf("Kafka at %v: %w", brokers, err)
}

func authenticates(cl *kgo.Client) bool {
	values := cl.OptValues(kgo.SASL)
	return len(values) > 0 && values[0] != nil
}
