package streams

import (
	"crypto/tls"
	"io"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The defaults of Config, which apply where a field is zero.
const (
	// DefaultStateDir holds the local state; the application id is a folder below.
	DefaultStateDir = "/tmp/millrace"
	// DefaultStateLockTimeout bounds the wait for another process to release the
	// state directory.
	DefaultStateLockTimeout = time.Second
	// DefaultStateCleanupDelay is how long the state of a task that moved away is kept:
	// Kafka Streams' default of state.cleanup.delay.ms.
	DefaultStateCleanupDelay = 10 * time.Minute
	// DefaultCommitInterval is that of Kafka Streams at-least-once.
	DefaultCommitInterval = 30 * time.Second
	// DefaultExactlyOnceCommitInterval is that of Kafka Streams exactly-once: results
	// are seen by others only when they are committed.
	DefaultExactlyOnceCommitInterval = 100 * time.Millisecond
	// DefaultTransactionTimeout is Kafka Streams'.
	DefaultTransactionTimeout = 10 * time.Second
	// DefaultMaxUncommittedBytes bounds the writes of open transactions.
	DefaultMaxUncommittedBytes = 64 << 20
	// DefaultMaxPollInterval is Kafka's max.poll.interval.ms.
	DefaultMaxPollInterval = 5 * time.Minute
	// DefaultTaskTimeout is how long brokers may be in trouble.
	DefaultTaskTimeout = 5 * time.Minute
	// DefaultSessionTimeout is how soon a silent dynamic member loses its tasks.
	DefaultSessionTimeout = 45 * time.Second
	// DefaultStaticSessionTimeout is the same for a static member: long enough for
	// a pod to be moved and started again without anybody taking its tasks.
	DefaultStaticSessionTimeout = 2 * time.Minute
	// MaxSessionTimeout is what brokers allow unless configured otherwise
	// (group.max.session.timeout.ms).
	MaxSessionTimeout = 30 * time.Minute
	// DefaultHeartbeatInterval is Kafka's.
	DefaultHeartbeatInterval = 3 * time.Second
	// DefaultRebalanceTimeout is the time budget to commit and close tasks that
	// move elsewhere.
	DefaultRebalanceTimeout = 300 * time.Second
	// DefaultMaxUnflushedBytes bounds the writes that wait for the next commit.
	DefaultMaxUnflushedBytes = 32 << 20
	// DefaultMaxBufferedBytes bounds the fetched records that wait to be processed.
	DefaultMaxBufferedBytes = 64 << 20
	// MaxDefaultCacheBytes bounds the record caches where CacheBytes is 0.
	MaxDefaultCacheBytes = 256 << 20
	// DefaultStopTimeout bounds the last commit when Run is asked to end.
	DefaultStopTimeout = 20 * time.Second
	// DefaultWaitForSources covers a topic that was created a moment ago and that not
	// every broker has heard of.
	DefaultWaitForSources = 2 * time.Second
	// DefaultPatternRefresh is Kafka's metadata.max.age.ms.
	DefaultPatternRefresh = 5 * time.Minute
	// DefaultReplicationFactor leaves it to the broker's default.
	DefaultReplicationFactor = -1
)

// The defaults of how tasks move, those of Kafka Streams.
const (
	DefaultAcceptableRecoveryLag = 10_000
	DefaultMaxWarmupReplicas     = 2
	DefaultProbingInterval       = 10 * time.Minute
)

// AnyRecoveryLag in Config.AcceptableRecoveryLag moves every task at once; it stands
// still until its state is restored.
const AnyRecoveryLag = -1

// NoInstanceID makes the member dynamic where InstanceID would have a default,
// that is in Kubernetes.
const NoInstanceID = "-"

// NoCaches in Config.CacheBytes turns record caches off.
const NoCaches = -1

// Config is what an App needs to run. Only ApplicationID and Brokers must be
// set; the zero value of every other field is the default for production. New
// checks it once and reports all faults together.
type Config struct {
	// ApplicationID names the consumer group, the internal topics and the folder of
	// the local state. All processes that share one id share the work.
	ApplicationID string
	// Brokers are host:port addresses to start from.
	Brokers []string
	// ClientID is what brokers see in logs and quotas; the application id if empty.
	ClientID string

	// InstanceID makes the group membership static: a process that comes back with
	// the same id within SessionTimeout gets its tasks back without a rebalance. It
	// must be unique and stable. In Kubernetes it defaults to the pod's name
	// (POD_NAME, else HOSTNAME), which is right for a StatefulSet; set NoInstanceID
	// to refuse that. Elsewhere it is empty: a dynamic member.
	InstanceID string
	// LeaveOnClose makes a static member leave the group when Run ends, so that its
	// tasks move at once: for scaling down. Dynamic members always leave.
	LeaveOnClose bool
	// ReplicasFile says how many pods the StatefulSet is to have. If it is set, a pod
	// that ends and whose ordinal, the end of InstanceID, is not below that number leaves
	// the group. It defaults to the environment's MILLRACE_REPLICAS_FILE.
	ReplicasFile string
	// SessionTimeout is how long the group waits for a silent member:
	// DefaultSessionTimeout, or DefaultStaticSessionTimeout with an InstanceID.
	SessionTimeout time.Duration
	// HeartbeatInterval must be well below SessionTimeout.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is the budget to commit and close tasks that move away.
	RebalanceTimeout time.Duration

	// NumStandbyReplicas is how many copies of each task's state other processes keep
	// hot, so that one of them takes over at once when its process is gone. They are
	// spread over processes and racks. Like the three below it counts in the process
	// that leads the group: give all the same.
	NumStandbyReplicas int
	// AcceptableRecoveryLag is how many changelog records a copy may be behind and take
	// its task over all the same: DefaultAcceptableRecoveryLag, or AnyRecoveryLag. A task
	// with more to restore goes on where it is until the process that is to have it has
	// warmed up a copy (KIP-441).
	AcceptableRecoveryLag int64
	// MaxWarmupReplicas bounds the copies that are made only to move a task, over all
	// processes: DefaultMaxWarmupReplicas.
	MaxWarmupReplicas int
	// ProbingInterval is how often the group looks whether a task that waits for its
	// copy can move: DefaultProbingInterval. A process also says so when its copies have
	// caught up.
	ProbingInterval time.Duration
	// ClientTags say where this process is, such as its zone (KIP-708).
	ClientTags map[string]string
	// RackAwareTags are the keys of the ClientTags in which the copies of a task should
	// differ, and from the task itself.
	RackAwareTags []string

	// StateDir is the folder of local state, on a local disk.
	StateDir string
	// AllowNetworkFilesystem is the kind of a network filesystem or FUSE, as the error
	// names it, that StateDir may lie on all the same. State there may be corrupted
	// silently when the network fails.
	AllowNetworkFilesystem string
	// StateLockTimeout is how long to wait for another process to let go of it.
	StateLockTimeout time.Duration
	// StateCleanupDelay is how long the state of a task that moved away stays on the
	// disk, should the task come back: state.cleanup.delay.ms in Kafka Streams.
	StateCleanupDelay time.Duration

	// ProcessingGuarantee is AtLeastOnce or ExactlyOnce. All processes of an
	// application must have the same.
	ProcessingGuarantee Guarantee
	// TransactionTimeout is how long the brokers wait for a process that has vanished
	// in the middle of a transaction, before they abort it. A record that takes longer
	// costs what was not committed. Brokers allow 15 min unless configured otherwise.
	TransactionTimeout time.Duration
	// MaxUncommittedBytes is how much may be written to stores in one transaction
	// before it is committed early. It is MaxUnflushedBytes' part exactly-once.
	MaxUncommittedBytes int64
	// MaxPollInterval is how long a user function may take for one record. A longer one
	// is taken for hanging: its worker is given up, what it had not committed is
	// dropped, and its tasks begin again, in this process, once the function has
	// returned and let go of their stores. Other workers go on, and heartbeats do. A
	// function that takes over 10 s is reported in the log, with the record's place and
	// the stack.
	MaxPollInterval time.Duration
	// TaskTimeout is how long commits may fail one after the other, because brokers
	// are in trouble, before Run gives up.
	TaskTimeout time.Duration

	// Workers is the number of goroutines that process records; GOMAXPROCS if 0.
	Workers int
	// CommitInterval is the time between commits, and so the most that is processed
	// again after a crash: DefaultCommitInterval, or exactly-once
	// DefaultExactlyOnceCommitInterval.
	CommitInterval time.Duration
	// MaxTaskIdle is how long a task with several source partitions waits for the
	// empty ones, to process records in the order of their times. 0 waits only for
	// what the broker is known to have.
	MaxTaskIdle time.Duration
	// SourceIdle is how long a source partition must be silent, by the wall clock, to
	// hold its task up no more, whatever MaxTaskIdle says: stream time goes on without
	// it until it brings a record again. 0 is for ever. [IdleAfter] sets it for one
	// source. What the broker is known to have is waited for all the same.
	SourceIdle time.Duration
	// MaxUnflushedBytes is how much may be written to stores before a commit is
	// made early. It bounds memory and what is restored after a crash.
	MaxUnflushedBytes int64
	// MaxBufferedBytes bounds the fetched records that wait to be processed.
	MaxBufferedBytes int64
	// MemoryLimit is the memory for the caches and buffers of all local stores
	// together, those for restoring included. 0 takes a quarter of GOMEMLIMIT, else of the container's limit,
	// else of the machine's memory.
	MemoryLimit int64
	// CacheBytes is the part of MemoryLimit that the record caches of all tables and
	// aggregates share. They hold back what changes until the commit, so that of
	// several changes of a key only the last is written, logged and sent on, as in
	// Kafka Streams. 0 takes an eighth of MemoryLimit, MaxDefaultCacheBytes at most;
	// NoCaches turns them off, and the option NoCache does for one store.
	CacheBytes int64
	// StopTimeout bounds the last commit when Run is asked to end.
	StopTimeout time.Duration

	// TLS, if set, encrypts all connections; certificates in it make it mTLS.
	TLS *tls.Config
	// SASL authenticates, if its Mechanism is set.
	SASL SASL
	// KafkaOpts are added to every Kafka client that the App makes.
	KafkaOpts []kgo.Opt

	// ReplicationFactor is that of internal topics; -1 or 0 is the broker's default.
	ReplicationFactor int
	// TopicConfig is added to the configuration of internal topics at creation.
	TopicConfig map[string]string
	// WaitForSources is how long to wait at the start for missing source topics.
	WaitForSources time.Duration

	// Optimize rewrites the topology, as topology.optimization does in Kafka Streams.
	Optimize Optimization
	// PatternRefresh is how often to look for new topics that match a pattern of
	// StreamMatching: DefaultPatternRefresh if 0.
	PatternRefresh time.Duration
	// LogRetention is how much longer than a store of windows, sessions or versions its
	// changelog topic keeps them, so that clocks may differ: a day if 0, as in Kafka
	// Streams (windowstore.changelog.additional.retention.ms). It takes effect when
	// the topic is made.
	LogRetention time.Duration
	// RequireNames refuses a topology in which a store, changelog topic or repartition
	// topic has a generated name. Those have numbers that change when the program does,
	// and then the state under the old name is lost.
	RequireNames bool

	// HeaderStores writes the changelogs of tables and aggregates as Kafka Streams does
	// under dsl.store.format=HEADERS: removals carry the headers of the record being
	// processed. Both forms are read, whatever is set.
	HeaderStores bool

	// OnUndecodable decides about records that a source's serde cannot read. Like all
	// handlers it is called on the workers, several at once, and nil is Always(Fail).
	OnUndecodable func(Failure) Decision
	// OnFailure decides about records on which an operator fails or panics, and about
	// schedules that do.
	OnFailure func(Failure) Decision
	// OnUndeliverable decides about results that cannot be encoded or that are larger
	// than the producer may send. TryAgain is for those that cannot be encoded. What a
	// broker refuses later, when many records are under way, is nobody's to decide
	// about one of them: the commit fails, and OnCrash is asked in the end.
	OnUndeliverable func(Failure) Decision
	// OnDropped decides about records that operators leave out by rule, because they are
	// late or have no key, for example. They are counted in any case; nil is
	// Always(Continue).
	OnDropped func(Failure) Decision
	// OnCrash decides what becomes of an error that no other handler has met and that
	// the library cannot get over by itself; nil is StopApp. It is called on the worker.
	OnCrash func(error) CrashDecision
	// DeadLetters is the topic that records go to for which a handler decides
	// DeadLetter. It must exist.
	DeadLetters string

	// RestoreListener, if set, is told about restoring.
	RestoreListener RestoreListener
	// Progress shows restoring. Nil is automatic: a bar on standard error if that
	// is a terminal, else a log line a second. io.Discard shows nothing.
	Progress io.Writer
	// Logger is slog.Default() if nil.
	Logger *slog.Logger
	// NoSignals stops Run from listening to SIGTERM and SIGINT; its context is then
	// the only way to end it.
	NoSignals bool
}

// SASL is how to authenticate.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty is none.
	Mechanism string
	User      string
	Password  Secret
	// AllowPlaintext permits PLAIN without TLS, which shows the password to whoever
	// can see the network.
	AllowPlaintext bool
}
