package task

// Offset is what to commit for one source partition of a task.
type Offset struct {
	Topic string
	// Offset is the next one to process.
	Offset int64
	// LeaderEpoch is that of the last record processed; -1 if unknown.
	LeaderEpoch int32
	// PartitionTime is the highest record time processed, ms; -1 if unknown.
	PartitionTime int64
	// Metadata carries that time, encoded; see [Metadata].
	Metadata string
}

// Pass tells the consumer's position in a topic. It may be past the last record,
// behind control records or aborted ones. It counts when no records wait.
func (t *Task) Pass(topic string, next int64) error {
	q, err := t.queue(topic)
	if err == nil {
		q.next = max(q.next, next)
	}
	return err
}

// Position is the offset of the next record of a topic to process; -1 if unknown.
func (t *Task) Position(topic string) int64 {
	if q, err := t.queue(topic); err == nil {
		return q.position()
	}
	return -1
}

// Offsets lists the source partitions that have moved since they were last
// committed, sorted by topic. One of which no record was processed is not listed: it
// starts by its reset policy again.
func (t *Task) Offsets() (out []Offset) {
	for _, q := range t.queues {
		next := q.position()
		if q.next < 0 || next == q.saved {
			continue
		}
		out = append(out, Offset{
			Topic: q.topic, Offset: next, LeaderEpoch: q.epoch, PartitionTime: q.time,
			Metadata: Metadata{PartitionTime: q.time, Processor: t.keptTimes()}.Encode(),
		})
	}
	return out
}

// Committed takes note that offsets are safe.
func (t *Task) Committed(offsets []Offset) {
	for _, o := range offsets {
		if q, err := t.queue(o.Topic); err == nil {
			q.saved = o.Offset
		}
	}
}

// keptTimes are the times that operators keep, by name; nil if there are none.
func (t *Task) keptTimes() map[string]int64 {
	var out map[string]int64
	for _, kept := range t.linked.Times {
		if kept.MS < 0 {
			continue
		}
		if out == nil {
			out = map[string]int64{}
		}
		out[kept.Name] = kept.MS
	}
	return out
}
