package txn

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Error is a commit that failed at one of its steps.
type Error struct {
	Step Step
	Err  error
}

// Error names the step.
func (e *Error) Error() string { return fmt.Sprintf("commit, step %s: %v", e.Step, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// remedy says what a user can do about a fatal error; empty if nothing special.
func remedy(err error) string {
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "the user needs the ACL READ on the consumer group"
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "the user needs the ACL READ on this topic"
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return "the user needs the ACLs WRITE and DESCRIBE on transactional ids with the application id as prefix"
	case errors.Is(err, kerr.InvalidTransactionTimeout):
		return "Config.TransactionTimeout is over the broker's transaction.max.timeout.ms"
	case errors.Is(err, kerr.OffsetMetadataTooLarge):
		return "raise the broker's offset.metadata.max.bytes"
	}
	return ""
}
