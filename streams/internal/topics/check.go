package topics

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// The settings that decide whether an internal topic keeps what it must.
const (
	cleanupPolicy  = "cleanup.policy"
	retentionMs    = "retention.ms"
	retentionBytes = "retention.bytes"
	timestampType  = "message.timestamp.type"
)

// check compares existing internal topics with what they should be. All faults
// are reported together.
func (e *ensurer) check(ctx context.Context, present []spec, found kadm.TopicDetails) error {
	var faults []error
	for _, s := range present {
		if have := int32(len(found[s.name].Partitions)); have != s.partitions {
			faults = append(faults, &PartitionsError{Topic: s.name, Want: s.partitions, Have: have})
		}
	}
	configs, err := e.adm.DescribeTopicConfigs(ctx, names(present)...)
	if err != nil {
		e.Logger.Warn("the configuration of internal topics could not be checked", "err", err)
	}
	for _, s := range present {
		c, err := configs.On(s.name, nil)
		if err == nil {
			err = c.Err
		}
		if err != nil {
			// The right to describe configurations is not needed for anything else.
			e.Logger.Warn("the configuration of an internal topic could not be checked", "topic", s.name, "err", err)
			continue
		}
		faults = append(faults, s.compare(values(c))...)
	}
	return errors.Join(faults...)
}

// values flattens a description.
func values(c kadm.ResourceConfig) map[string]string {
	out := make(map[string]string, len(c.Configs))
	for _, kv := range c.Configs {
		out[kv.Key] = kv.MaybeValue()
	}
	return out
}

// compare finds the settings under which the topic would lose data. Others are
// the operator's to choose.
func (s spec) compare(have map[string]string) (faults []error) {
	fault := func(key, danger string) {
		faults = append(faults, &ConfigError{Topic: s.name, Key: key, Have: have[key], Want: s.want(key), Danger: danger})
	}
	want, is := policies(s.config[cleanupPolicy]), policies(have[cleanupPolicy])
	compacts, deletes := slices.Contains(is, "compact"), slices.Contains(is, "delete")
	wantsCompact, wantsDelete := slices.Contains(want, "compact"), slices.Contains(want, "delete")
	switch {
	case len(is) == 0:
	case wantsCompact && !compacts:
		fault(cleanupPolicy, "old entries of the store would be deleted by age")
	case !wantsCompact && compacts:
		fault(cleanupPolicy, "records of equal key would be lost to compaction")
	case !wantsDelete && deletes:
		fault(cleanupPolicy, "entries of the store would be deleted by age")
	case deletes:
		if !keeps(have[retentionMs], s.config[retentionMs]) {
			fault(retentionMs, "records would be deleted before the application is done with them")
		}
		if _, chosen := s.config[retentionBytes]; !chosen && !keeps(have[retentionBytes], "-1") {
			fault(retentionBytes, "records would be deleted by size")
		}
	}
	if have[timestampType] == "LogAppendTime" && s.config[timestampType] == "CreateTime" {
		fault(timestampType, "event times would be replaced by the broker's clock")
	}
	return faults
}

// want is what the remedy sets.
func (s spec) want(key string) string {
	if v, ok := s.config[key]; ok {
		return v
	}
	return "-1"
}

// policies splits a cleanup.policy, which is a list in any order.
func policies(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

// keeps reports whether one limit holds at least what another demands; a negative
// limit is none. What is unknown or not demanded passes.
func keeps(have, want string) bool {
	h, errH := strconv.ParseInt(have, 10, 64)
	w, errW := strconv.ParseInt(want, 10, 64)
	switch {
	case errH != nil || errW != nil || h < 0:
		return true
	case w < 0:
		return false
	}
	return h >= w
}
