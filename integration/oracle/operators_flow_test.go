package oracle

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
	"github.com/millrace/millrace/streams/serde"
)

// flowOp has the fields of operations on streams beyond the plain ones.
type flowOp struct {
	Branches       []branch  `json:"branches"`
	Default        *branch   `json:"default"`
	Partitions     int32     `json:"partitions"`
	TopicExtractor fn        `json:"topic_extractor"`
	Proc           processor `json:"proc"`
	StoreNames     storeUse  `json:"stores"`
}

type branch struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Pred fn     `json:"pred"`
}

type storeUse = []string

// onFlow has the operations of any stream that onAnyStream lacks; done is false if
// it lacks them, too.
func onFlow[K any](in *interpreter, o op, s streams.Stream[K, *val], key func(K) *val, ks serde.Serde[K]) (made any, done bool) {
	n := opts[streams.NodeOption](name(o))
	vs := datum{in.v.Types[o.In].Value}
	switch o.Op {
	case "split":
		return splitStream(in, o, s, key), true
	case "merge":
		with, ok := in.nodes[o.With].(streams.Stream[K, *val])
		return s.MergeAs(with, n...), ok
	case "flatMapValues":
		f := s.FlatMapValuesKeyed(func(k K, v *val) []*val { return o.Fn.flatMapValues(key(k), v) }, n...)
		return f.WithValueSerde(datum{in.v.Types[o.ID].Value}), true
	case "repartition":
		return s.WithKeySerde(ks).WithValueSerde(vs).Repartition(in.repartition(o)...), true
	case "to":
		if o.TopicExtractor.F != "" {
			s.ToFunc(func(r record.Record[K, *val]) string {
				return o.TopicExtractor.topic(key(r.Key), r.Value)
			}, ks, vs, opts[streams.SinkOption](name(o))...)
			return nil, true
		}
	}
	return nil, false
}

// topic is the registry of topic extractors.
func (f fn) topic(k, v *val) string {
	if f.F == "key" {
		return f.arg() + str(k)
	}
	if v == nil {
		return f.arg() + "null"
	}
	return f.arg() + first(str(v))
}

func (in *interpreter) repartition(o op) []streams.RepartitionOption {
	out := opts[streams.RepartitionOption](name(o))
	if o.Partitions > 0 {
		out = append(out, streams.WithPartitions(o.Partitions))
	}
	return out
}

func splitStream[K any](in *interpreter, o op, s streams.Stream[K, *val], key func(K) *val) any {
	named := func(b branch) []streams.NodeOption {
		return opts[streams.NodeOption](name(op{Name: b.Name}))
	}
	split := s.Split(opts[streams.NodeOption](name(o))...)
	for _, b := range o.Branches {
		in.nodes[b.ID] = split.Branch(func(k K, v *val) bool { return b.Pred.test(key(k), v) }, named(b)...)
	}
	if o.Default != nil {
		in.nodes[o.Default.ID] = split.Rest(named(*o.Default)...)
	}
	return nil
}

// source reads the topics of a stream.
func (in *interpreter) source(o op) any {
	var topics []streams.Topic[*val, *val]
	for _, t := range o.Topics {
		topics = append(topics, in.timed(o, streams.NewTopic(t, datum{o.Key}, datum{o.Value})))
	}
	n := opts[streams.SourceOption](name(o))
	if rule, ok := in.timeRule(o); ok {
		n = append(n, rule)
	}
	if len(topics) == 1 {
		return in.b.Stream(topics[0], n...)
	}
	return in.b.StreamAll(topics, n...)
}

// extractor is the name of a source's timestamp extractor.
func (in *interpreter) extractor(o op) string {
	if o.TimestampExtractor != "" {
		return o.TimestampExtractor
	}
	name, _ := in.v.Config["default.timestamp.extractor"].(string)
	return name
}

func (in *interpreter) timeRule(o op) (streams.TimeOption, bool) {
	switch in.extractor(o) {
	case "log_and_skip":
		return streams.SkipInvalidTime(), true
	case "use_partition_time":
		return streams.PartitionTimeIfInvalid(), true
	case "wallclock":
		return streams.WallClockTime(), true
	}
	return streams.TimeOption{}, false
}

// timed is the topic, with the registry's own extractor if the source has that.
func (in *interpreter) timed(o op, t streams.Topic[*val, *val]) streams.Topic[*val, *val] {
	if in.extractor(o) != "value_after_at" {
		return t
	}
	return t.TimedBy(func(r kvRecord, _ int64) int64 {
		at := strings.LastIndex(sval(r.Value), "@")
		ms, err := strconv.ParseInt(sval(r.Value)[at+1:], 10, 64)
		if at < 0 || err != nil {
			return -1
		}
		return ms
	})
}
