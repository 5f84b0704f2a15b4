package streams

// Guarantee says what a crash may do to results.
type Guarantee uint8

const (
	// AtLeastOnce processes every record; after a crash some are processed again, so
	// that outputs may repeat and counts be too high.
	AtLeastOnce Guarantee = iota
	// ExactlyOnce makes outputs, changelogs, repartition topics and offsets of each
	// commit one transaction: results are as if every record were processed once,
	// whatever crashes, for readers that read committed (exactly-once v2, KIP-447).
	// It needs Kafka 3.8; from transaction.version 2 on (KIP-890) brokers themselves
	// rule out that a late request ends a later transaction. Local stores are never
	// wiped. What user functions do elsewhere may still happen twice.
	ExactlyOnce
)

// String is the name, as Kafka Streams configures it.
func (g Guarantee) String() string {
	if g == ExactlyOnce {
		return "exactly_once_v2"
	}
	return "at_least_once"
}
