package topics

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Purge deletes the records of repartition topics below the given offsets, which
// their readers have committed. It may be repeated and may fail without harm: the
// records only take space. The error names each partition that failed.
func Purge(ctx context.Context, adm *kadm.Client, below map[string]map[int32]int64) error {
	var offsets kadm.Offsets
	for topic, partitions := range below {
		for p, at := range partitions {
			offsets.AddOffset(topic, p, at, -1)
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	resps, err := adm.DeleteRecords(ctx, offsets)
	if err != nil {
		return fmt.Errorf("purging repartition topics: %w", err)
	}
	var faults []error
	for _, r := range resps.Sorted() {
		// Out of range: somebody purged further already.
		if r.Err != nil && !errors.Is(r.Err, kerr.OffsetOutOfRange) {
			faults = append(faults, fmt.Errorf("purging %s/%d below offset %d: %w%s", r.Topic, r.Partition, below[r.Topic][r.Partition], r.Err, purgeRemedy(r.Err)))
		}
	}
	return errors.Join(faults...)
}

// purgeRemedy says what to do where the operator can do something.
func purgeRemedy(err error) string {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "; grant this user Delete on the repartition topics, or they will grow"
	case errors.Is(err, kerr.PolicyViolation):
		return "; its cleanup.policy does not allow it, it should be delete"
	}
	return ""
}
