package txn

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Verdict says what an error of a commit means for its tasks.
type Verdict uint8

// The verdicts. The zero value is for errors nobody foresaw: the process ends
// rather than guess.
const (
	// Fatal ends the application: no retry repairs it.
	Fatal Verdict = iota
	// Retry means that the same commit can be tried again: the group is rebalancing,
	// or a broker is moving. Inside a transaction it is as good as Abort once the
	// request was given up, since nobody knows what became of it.
	Retry
	// Abort drops what the tasks have staged and the producer with it. The tasks go
	// on from the last commit with a new one.
	Abort
	// Rejoin is Abort because the group took the tasks away; the client joins again.
	Rejoin
)

// String is the verdict in one word.
func (v Verdict) String() string {
	return [...]string{"fatal", "retry", "abort", "rejoin"}[v]
}

// Judge is the error table: every way a commit can fail, and what follows. Each of
// Kafka's codes has one row, wherever it comes from.
func Judge(err error) Verdict {
	if err == nil {
		return Retry
	}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return verdictOf(e)
	}
	switch {
	case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
		return Abort // the producer was given up, by us
	case isAny(err, context.DeadlineExceeded, kgo.ErrRecordTimeout, kgo.ErrRecordRetries), kgo.IsRetryableBrokerErr(err), broken(err):
		return Retry
	}
	return Fatal
}

// broken is a connection that ended, also one that did so at its first answer, which
// the client takes for a mistake of the configuration.
func broken(err error) bool {
	var network *net.OpError // not net.Error, which an error of the disk is, too
	return errors.As(err, &network) || isAny(err, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed)
}

// verdictOf looks one of Kafka's errors up. What is in no row is fatal.
func verdictOf(e *kerr.Error) Verdict {
	for v, codes := range Table() {
		if slices.Contains(codes, e) {
			return v
		}
	}
	return Fatal
}

// Table has each of Kafka's errors once. It is small and made anew for each caller,
// because a commit that fails is rare.
//
// ILLEGAL_GENERATION is not the end of a task: a rebalance that finished while the
// request was on its way gives it to tasks that never moved. The client rejoins by
// itself; if the task did move, the revocation will say so.
//
// Whatever says that the producer's transaction, id or epoch is not what it thinks
// (a stall past the transaction's timeout, a fence, a broker that has lost its
// state) costs the transaction and nothing else.
func Table() map[Verdict][]*kerr.Error {
	return map[Verdict][]*kerr.Error{
		Retry: {
			kerr.CorruptMessage, kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.NotLeaderForPartition, kerr.RequestTimedOut,
			kerr.BrokerNotAvailable, kerr.ReplicaNotAvailable, kerr.StaleControllerEpoch, kerr.NetworkException,
			kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.NotEnoughReplicas,
			kerr.NotEnoughReplicasAfterAppend, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.NotController,
			kerr.ConcurrentTransactions, kerr.KafkaStorageError, kerr.ReassignmentInProgress, kerr.FetchSessionIDNotFound,
			kerr.InvalidFetchSessionEpoch, kerr.ListenerNotFound, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.StaleBrokerEpoch,
			kerr.OffsetNotAvailable, kerr.MemberIDRequired, kerr.PreferredLeaderNotAvailable, kerr.EligibleLeadersNotAvailable,
			kerr.ElectionNotNeeded, kerr.NoReassignmentInProgress, kerr.UnstableOffsetCommit, kerr.ThrottlingQuotaExceeded,
			kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.FetchSessionTopicIDError, kerr.NewLeaderElected, kerr.UnreleasedInstanceID,
			kerr.StaleMemberEpoch, kerr.UnknownControllerID, kerr.RebootstrapRequired, kerr.ShareSessionLimitReached,
		},
		Abort: {
			kerr.UnknownServerError, kerr.OutOfOrderSequenceNumber, kerr.DuplicateSequenceNumber, kerr.InvalidProducerEpoch, kerr.InvalidTxnState,
			kerr.InvalidProducerIDMapping, kerr.TransactionCoordinatorFenced, kerr.OperationNotAttempted, kerr.UnknownProducerID,
			kerr.ProducerFenced, kerr.TransactionalIDNotFound, kerr.TransactionAbortable,
		},
		Rejoin: {kerr.UnknownMemberID, kerr.FencedMemberEpoch},
		Fatal:  slices.Concat(refusals(), strangers()),
	}
}

// refusals are what brokers say to a request that will never do.
func refusals() []*kerr.Error {
	return []*kerr.Error{
		kerr.OffsetOutOfRange, kerr.MessageTooLarge, kerr.OffsetMetadataTooLarge, kerr.InvalidTopicException, kerr.RecordListTooLarge,
		kerr.InvalidRequiredAcks, kerr.InconsistentGroupProtocol, kerr.InvalidGroupID, kerr.InvalidSessionTimeout,
		kerr.InvalidCommitOffsetSize, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.InvalidTimestamp, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState, kerr.UnsupportedVersion, kerr.InvalidRequest,
		kerr.UnsupportedForMessageFormat, kerr.PolicyViolation, kerr.InvalidTransactionTimeout, kerr.TransactionalIDAuthorizationFailed,
		kerr.SecurityDisabled, kerr.SaslAuthenticationFailed, kerr.GroupIDNotFound, kerr.UnsupportedCompressionType,
		kerr.GroupMaxSizeReached, kerr.FencedInstanceID, kerr.InvalidRecord, kerr.UnsupportedAssignor,
	}
}

// strangers answer requests that no commit sends.
func strangers() []*kerr.Error {
	return []*kerr.Error{
		kerr.InvalidFetchSize, kerr.TopicAlreadyExists, kerr.InvalidPartitions, kerr.InvalidReplicationFactor, kerr.InvalidReplicaAssignment,
		kerr.InvalidConfig, kerr.LogDirNotFound, kerr.DelegationTokenAuthDisabled, kerr.DelegationTokenNotFound,
		kerr.DelegationTokenOwnerMismatch, kerr.DelegationTokenRequestNotAllowed, kerr.DelegationTokenAuthorizationFailed,
		kerr.DelegationTokenExpired, kerr.InvalidPrincipalType, kerr.NonEmptyGroup, kerr.TopicDeletionDisabled, kerr.GroupSubscribedToTopic,
		kerr.ResourceNotFound, kerr.DuplicateResource, kerr.UnacceptableCredential, kerr.InconsistentVoterSet, kerr.InvalidUpdateVersion,
		kerr.FeatureUpdateFailed, kerr.PrincipalDeserializationFailure, kerr.SnapshotNotFound, kerr.PositionOutOfRange,
		kerr.DuplicateBrokerRegistration, kerr.BrokerIDNotRegistered, kerr.InconsistentClusterID, kerr.IneligibleReplica,
		kerr.OffsetMovedToTieredStorage, kerr.MismatchedEndpointType, kerr.UnsupportedEndpointType, kerr.UnknownSubscriptionID,
		kerr.TelemetryTooLarge, kerr.InvalidRegistration, kerr.InvalidRecordState, kerr.ShareSessionNotFound, kerr.InvalidShareSessionEpoch,
		kerr.FencedStateEpoch, kerr.InvalidVoterKey, kerr.DuplicateVoter, kerr.VoterNotFound, kerr.InvalidRegularExpression,
		kerr.StreamsInvalidTopology, kerr.StreamsInvalidTopologyEpoch, kerr.StreamsTopologyFenced, kerr.GroupDeletionFailed,
		kerr.StreamsTopologyDescriptionUpdateFailed, kerr.ControllerIDNotRegistered,
	}
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}
