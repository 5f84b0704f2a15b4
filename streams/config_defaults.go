package streams

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/millrace/millrace/store/cached"
	"github.com/millrace/millrace/streams/internal/client"
)

// withDefaults fills the zero fields in. getenv is os.Getenv, or a test's.
func (c Config) withDefaults(getenv func(string) string) Config {
	c.ClientID = or(c.ClientID, c.ApplicationID)
	c.InstanceID = instanceID(c.InstanceID, getenv)
	session := DefaultSessionTimeout
	if c.InstanceID != "" {
		session = DefaultStaticSessionTimeout
	}
	c.SessionTimeout = or(c.SessionTimeout, session)
	c.HeartbeatInterval = or(c.HeartbeatInterval, min(DefaultHeartbeatInterval, c.SessionTimeout/3))
	c.RebalanceTimeout = or(c.RebalanceTimeout, DefaultRebalanceTimeout)
	c.AcceptableRecoveryLag = or(c.AcceptableRecoveryLag, DefaultAcceptableRecoveryLag)
	c.MaxWarmupReplicas = or(c.MaxWarmupReplicas, DefaultMaxWarmupReplicas)
	c.ProbingInterval = or(c.ProbingInterval, DefaultProbingInterval)
	c.StateDir = or(c.StateDir, DefaultStateDir)
	c.StateLockTimeout = or(c.StateLockTimeout, DefaultStateLockTimeout)
	c.StateCleanupDelay = or(c.StateCleanupDelay, DefaultStateCleanupDelay)
	c.Workers = or(c.Workers, runtime.GOMAXPROCS(0))
	interval := DefaultCommitInterval
	if c.ProcessingGuarantee == ExactlyOnce {
		interval = DefaultExactlyOnceCommitInterval
	}
	c.CommitInterval = or(c.CommitInterval, interval)
	c.TransactionTimeout = or(c.TransactionTimeout, DefaultTransactionTimeout)
	c.MaxPollInterval = or(c.MaxPollInterval, DefaultMaxPollInterval)
	c.TaskTimeout = or(c.TaskTimeout, DefaultTaskTimeout)
	c.MaxUncommittedBytes = or(c.MaxUncommittedBytes, DefaultMaxUncommittedBytes)
	c.MaxUnflushedBytes = or(c.MaxUnflushedBytes, DefaultMaxUnflushedBytes)
	c.MaxBufferedBytes = or(c.MaxBufferedBytes, DefaultMaxBufferedBytes)
	c.ReplicasFile = or(c.ReplicasFile, getenv("MILLRACE_REPLICAS_FILE"))
	c.MemoryLimit = or(c.MemoryLimit, defaultMemory())
	c.CacheBytes = or(c.CacheBytes, min(c.MemoryLimit/8, MaxDefaultCacheBytes))
	c.StopTimeout = or(c.StopTimeout, DefaultStopTimeout)
	c.WaitForSources = or(c.WaitForSources, DefaultWaitForSources)
	c.PatternRefresh = or(c.PatternRefresh, DefaultPatternRefresh)
	c.ReplicationFactor = or(c.ReplicationFactor, DefaultReplicationFactor)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// or is the first value that is not zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// instanceID applies the rule of Kubernetes: the downward API's POD_NAME, else
// the hostname, which is the pod's name too.
func instanceID(set string, getenv func(string) string) string {
	switch {
	case set == NoInstanceID:
		return ""
	case set != "" || getenv("KUBERNETES_SERVICE_HOST") == "":
		return set
	}
	return or(getenv("POD_NAME"), getenv("HOSTNAME"))
}

// topicName is what Kafka allows in names of topics, which hold the id.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// validate reports all faults of a Config that has its defaults.
func (c Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("streams.Config: "+format, args...))
		}
	}
	c.validateNames(fault)
	c.validateTimes(fault)
	c.validateCopies(fault)
	fault(c.Workers < 0, "Workers is %d; use 0 for GOMAXPROCS", c.Workers)
	fault(c.MaxUnflushedBytes < 0, "MaxUnflushedBytes is negative")
	fault(c.MaxUncommittedBytes < 0, "MaxUncommittedBytes is negative")
	fault(c.ProcessingGuarantee > ExactlyOnce, "ProcessingGuarantee is %d; use AtLeastOnce or ExactlyOnce", c.ProcessingGuarantee)
	fault(c.ProcessingGuarantee == ExactlyOnce && c.CommitInterval >= c.TransactionTimeout,
		"CommitInterval (%v) must be below TransactionTimeout (%v), or every transaction is aborted", c.CommitInterval, c.TransactionTimeout)
	fault(c.MaxBufferedBytes < 0, "MaxBufferedBytes is negative")
	fault(c.MemoryLimit < 0, "MemoryLimit is negative")
	fault(c.CacheBytes < NoCaches, "CacheBytes is %d; use NoCaches (-1) for no record caches", c.CacheBytes)
	fault(c.CacheBytes > c.MemoryLimit, "CacheBytes (%d) is over MemoryLimit (%d), of which it is a part", c.CacheBytes, c.MemoryLimit)
	fault(c.ReplicationFactor < -1, "ReplicationFactor is %d; use -1 for the broker's default", c.ReplicationFactor)
	return errors.Join(errors.Join(faults...), c.kafka().Validate())
}

// validateCopies is about standby and warm-up replicas.
func (c Config) validateCopies(fault faultFunc) {
	fault(c.NumStandbyReplicas < 0, "NumStandbyReplicas is %d", c.NumStandbyReplicas)
	fault(c.AcceptableRecoveryLag < AnyRecoveryLag, "AcceptableRecoveryLag is %d; use AnyRecoveryLag (-1) to move tasks at once", c.AcceptableRecoveryLag)
	fault(c.MaxWarmupReplicas < 0, "MaxWarmupReplicas is %d; use AcceptableRecoveryLag: AnyRecoveryLag for no warm-ups", c.MaxWarmupReplicas)
	fault(c.ProbingInterval < 0, "ProbingInterval is negative")
	for _, key := range c.RackAwareTags {
		_, has := c.ClientTags[key]
		fault(!has, "RackAwareTags has %q, but ClientTags does not say what it is here", key)
	}
}

type faultFunc func(bad bool, format string, args ...any)

func (c Config) validateNames(fault faultFunc) {
	id := c.ApplicationID
	fault(id == "", "ApplicationID is missing; it names the consumer group and the internal topics")
	fault(id != "" && !topicName.MatchString(id) || id == "." || id == "..",
		"ApplicationID %q has characters that topic names cannot have; use letters, digits, '.', '_' and '-'", id)
	fault(len(c.InstanceID) > 249, "InstanceID is longer than 249 characters")
}

func (c Config) validateTimes(fault faultFunc) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"StateLockTimeout", c.StateLockTimeout}, {"StateCleanupDelay", c.StateCleanupDelay}, {"CommitInterval", c.CommitInterval}, {"SessionTimeout", c.SessionTimeout},
		{"HeartbeatInterval", c.HeartbeatInterval}, {"RebalanceTimeout", c.RebalanceTimeout}, {"MaxTaskIdle", c.MaxTaskIdle}, {"SourceIdle", c.SourceIdle},
		{"StopTimeout", c.StopTimeout}, {"TransactionTimeout", c.TransactionTimeout}, {"TaskTimeout", c.TaskTimeout}, {"MaxPollInterval", c.MaxPollInterval}, {"WaitForSources", c.WaitForSources},
	} {
		fault(d.value < 0, "%s is negative", d.name)
	}
	fault(c.SessionTimeout > MaxSessionTimeout, "SessionTimeout is %v, over the %v that brokers allow by default", c.SessionTimeout, MaxSessionTimeout)
	fault(c.HeartbeatInterval >= c.SessionTimeout, "HeartbeatInterval (%v) must be below SessionTimeout (%v), a third of it or less", c.HeartbeatInterval, c.SessionTimeout)
}

// maxStaged is how much all workers together may write before a commit.
func (c Config) maxStaged() int64 {
	if c.ProcessingGuarantee == ExactlyOnce {
		return c.MaxUncommittedBytes
	}
	return c.MaxUnflushedBytes
}

// kafka is how all clients of the App connect.
func (c Config) kafka() client.Config {
	return client.Config{
		Brokers: c.Brokers, ClientID: c.ClientID, TLS: c.TLS, Opts: c.KafkaOpts, Logger: c.Logger,
		SASL:           client.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: string(c.SASL.Password)},
		AllowPlaintext: c.SASL.AllowPlaintext,
	}
}

// environment is the real one.
func environment(name string) string { return os.Getenv(name) }

// caches is the budget of the record caches; nil if there are none.
func (c Config) caches() *cached.Budget {
	if c.CacheBytes == NoCaches {
		return nil
	}
	return cached.NewBudget(c.CacheBytes)
}
