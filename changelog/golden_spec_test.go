package changelog_test

import (
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/changelog"
	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/store/storetest/golden"
)

// specFor tells from a changelog how its store was declared: from its topic's
// configuration, its name, and what the rows and records look like. So captures
// that nobody has seen can be read too.
func specFor(t *testing.T, name string, topic golden.Topic, rows []string) store.Spec {
	spec := store.Spec{Name: name, Kind: store.KindKeyValue}
	times := len(rows) == 0 || strings.Contains(rows[0], "~")
	switch topic.Configs["cleanup.policy"] {
	case "delete":
		spec.Kind, spec.RetainDuplicates = store.KindWindow, true
	case "compact,delete":
		spec.Kind = store.KindWindow
		if sessions(t, topic) {
			spec.Kind = store.KindSession
		}
	default:
		spec.Kind = compacted(t, name, topic)
	}
	spec.LogHeaders = headed(topic) && spec.Kind != store.KindBuffer
	spec.Timestamped = times && (spec.Kind == store.KindKeyValue || spec.Kind == store.KindWindow && !spec.RetainDuplicates)
	switch spec.Kind {
	case store.KindWindow:
		spec.WindowSize, spec.Retention = sizeOf(t, rows), extra(t, topic, "retention.ms")
	case store.KindSession:
		spec.Retention = extra(t, topic, "retention.ms")
	case store.KindVersioned:
		spec.History = extra(t, topic, "min.compaction.lag.ms")
	case store.KindLRU:
		spec.MaxEntries = 2
	case store.KindGraceBuffer:
		spec.Retention = 5 * time.Second
	}
	require.NoError(t, spec.Validate())
	return spec
}

// compacted is the kind of a store whose topic is compacted.
func compacted(t *testing.T, name string, topic golden.Topic) store.Kind {
	_, versioned := topic.Configs["min.compaction.lag.ms"]
	switch {
	case versioned:
		return store.KindVersioned
	case strings.Contains(name, "lru"):
		return store.KindLRU
	case strings.Contains(name, "OUTERSHARED"), strings.HasSuffix(name, "-shared-join-store"):
		return store.KindList
	case strings.HasSuffix(name, "-Buffer"):
		return store.KindGraceBuffer
	}
	for _, r := range topic.Records {
		for _, h := range headersOf(t, r) {
			if h.Key == format.VersionHeader && len(h.Value) == 1 && h.Value[0] == format.BufferVersion {
				return store.KindBuffer
			}
		}
	}
	return store.KindKeyValue
}

func headed(topic golden.Topic) bool {
	for _, r := range topic.Records {
		if len(r.Headers) > 0 {
			return true
		}
	}
	return false
}

// sessions tells session keys, which end in two times, from window keys, which end
// in a time and a number.
func sessions(t *testing.T, topic golden.Topic) bool {
	for _, r := range topic.Records {
		key, _ := r.Bytes(t)
		if len(key) < 16 {
			return false
		}
		end := int64(binary.BigEndian.Uint64(key[len(key)-16:]))
		start := int64(binary.BigEndian.Uint64(key[len(key)-8:]))
		if start > end || end-start > time.Hour.Milliseconds() {
			return false
		}
	}
	return len(topic.Records) > 0
}

// extra is a span in a configuration, less what every topic gets on top.
func extra(t *testing.T, topic golden.Topic, key string) time.Duration {
	ms, err := strconv.ParseInt(topic.Configs[key], 10, 64)
	require.NoError(t, err)
	return time.Duration(ms)*time.Millisecond - changelog.AdditionalRetention
}

// sizeOf is the size of the windows in the rows.
func sizeOf(t *testing.T, rows []string) time.Duration {
	if len(rows) == 0 {
		return 10 * time.Second
	}
	bounds := regexp.MustCompile(`@(\d+)/(\d+)=`).FindStringSubmatch(rows[0])
	require.Len(t, bounds, 3)
	start, err := strconv.ParseInt(bounds[1], 10, 64)
	require.NoError(t, err)
	end, err := strconv.ParseInt(bounds[2], 10, 64)
	require.NoError(t, err)
	return time.Duration(end-start) * time.Millisecond
}
