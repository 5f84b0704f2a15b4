package client

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Check asks the brokers for something small, so that a wrong address, password
// or certificate shows at once and by its name. It tries each of the Config's
// brokers once and returns when ctx ends, even if they are silent. The error is an
// *Error if its cause is known.
func Check(ctx context.Context, cl *kgo.Client) error {
	err := ping(ctx, cl)
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
	return fmt.Errorf("brokers %v: %w", brokers, err)
}

// ping asks each seed broker once for the cluster's brokers. The client's own Ping
// waits for a silent broker longer than ctx does.
func ping(ctx context.Context, cl *kgo.Client) (err error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
	for _, b := range cl.SeedBrokers() {
		if _, err = b.Request(ctx, req); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// authenticates reports whether the client was given credentials.
func authenticates(cl *kgo.Client) bool {
	values := cl.OptValues(kgo.SASL)
	return len(values) > 0 && values[0] != nil
}
