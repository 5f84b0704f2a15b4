package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
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

// Verdict says what an error of a commit means for its tasks.
type Verdict uint8

// The verdicts. The zero value is for errors nobody foresaw: the process ends
// rather than guess.
const (
	// Fatal ends the application.
	Fatal Verdict = iota
	// Later means that the tasks are still ours and the commit can be tried again:
	// the group is rebalancing or its coordinator is moving.
	Later
	// Lost means that the group took the tasks away: close them, commit nothing.
	Lost
	// Fenced means that another process has this member's instance id.
	Fenced
)

// String is the verdict in one word.
func (v Verdict) String() string {
	return [...]string{"fatal", "later", "lost", "fenced"}[v]
}

// Judge is the error table: every way a commit can fail, and what follows.
//
// ILLEGAL_GENERATION is not the end of a task: a rebalance that finished while
// the request was on its way gives it to tasks that never moved. The client
// rejoins by itself; if the task did move, the revocation will say so.
func Judge(err error) Verdict {
	switch {
	case errors.Is(err, kerr.FencedInstanceID):
		return Fenced
	case isAny(err, kerr.UnknownMemberID, kerr.FencedMemberEpoch):
		return Lost
	case isAny(err, kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.StaleMemberEpoch,
		kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator,
		kerr.RequestTimedOut, kerr.UnknownTopicOrPartition, kerr.UnstableOffsetCommit):
		return Later
	case isAny(err, kerr.InvalidGroupID, kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed,
		kerr.OffsetMetadataTooLarge, kerr.InvalidCommitOffsetSize):
		return Fatal
	case isAny(err, context.DeadlineExceeded, kgo.ErrRecordTimeout):
		return Later
	}
	return Fatal
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// remedy says what a user can do about a fatal error; empty if nothing special.
func remedy(err error) string {
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "the user needs the ACL READ on the consumer group"
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "the user needs the ACL READ on this topic"
	case errors.Is(err, kerr.OffsetMetadataTooLarge):
		return "raise the broker's offset.metadata.max.bytes"
	}
	return ""
}
