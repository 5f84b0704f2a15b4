package changelog

import (
	"maps"
	"strconv"
	"time"

	"github.com/millrace/millrace/store"
)

// AdditionalRetention is how much longer than its store a windowed changelog keeps
// records, so that clocks that differ lose nothing: Kafka Streams' default of
// windowstore.changelog.additional.retention.ms. A versioned changelog is left
// uncompacted for as much longer than its history.
const AdditionalRetention = 24 * time.Hour

// TopicName is the changelog topic of a store: what Kafka Streams calls it.
func TopicName(applicationID, store string) string { return applicationID + "-" + store + "-changelog" }

// TopicConfig is the configuration that a changelog topic is created with. The
// store's LogConfig comes last and wins. More is how much longer than the store the
// topic keeps what expires. The map is the caller's.
func TopicConfig(spec store.Spec, more time.Duration) map[string]string {
	config := map[string]string{"message.timestamp.type": "CreateTime", "cleanup.policy": "compact"}
	switch {
	case spec.RetainDuplicates:
		config["cleanup.policy"] = "delete" // every record has a key of its own
		config["retention.ms"] = millis(spec.Retention + more)
	case spec.Segmented():
		config["cleanup.policy"] = "compact,delete"
		config["retention.ms"] = millis(spec.Retention + more)
	case spec.Kind == store.KindVersioned:
		config["min.compaction.lag.ms"] = millis(spec.History + more)
	}
	maps.Copy(config, spec.LogConfig)
	return config
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
