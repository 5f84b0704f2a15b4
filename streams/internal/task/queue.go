package task

// queue holds the fetched records of one source partition. It takes whole
// batches as they come and copies no record.
type queue struct {
	topic   string
	entry   Entry
	stamp   Stamp   // or nil
	batches [][]Raw // none is empty
	at      int     // of the head in batches[0]
	size    int

	next  int64 // offset after the last record taken or passed over, -1 unknown
	epoch int32 // leader epoch of the last record taken, -1 unknown
	time  int64 // highest record time taken, ms, -1 unknown
	saved int64 // the offset that is committed, -1 unknown
}

func newQueue(topic string, entry Entry) *queue {
	return &queue{topic: topic, entry: entry, next: -1, epoch: -1, time: -1, saved: -1}
}

// add appends a batch and keeps it.
func (q *queue) add(batch []Raw) {
	q.batches = append(q.batches, batch)
	q.size += len(batch)
}

// head is the next record; there must be one.
func (q *queue) head() *Raw { return &q.batches[0][q.at] }

// pop forgets the head. A batch that is used up is let go, so that its bytes can
// be collected.
func (q *queue) pop() {
	q.size--
	if q.at++; q.at == len(q.batches[0]) {
		q.batches[0] = nil
		q.batches, q.at = q.batches[1:], 0
	}
}

// position is the offset to commit: that of the first record not yet processed,
// or what follows the last one. It is -1 if nothing was ever delivered.
func (q *queue) position() int64 {
	if q.size > 0 {
		return q.head().Offset
	}
	return q.next
}

// heap has the queues that are not empty, the one whose head is oldest first. It
// moves queues exactly as Java's PriorityQueue, so that records of equal times
// are taken in Kafka Streams' order.
type heap []*queue

func (h heap) less(i, j int) bool { return h[i].head().Time < h[j].head().Time }

// push adds a queue that got a head.
func (h *heap) push(q *queue) {
	*h = append(*h, q)
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s.less(i, parent) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

// pop removes the queue with the oldest head.
func (h *heap) pop() *queue {
	s := *h
	top, last := s[0], len(s)-1
	s[0], s[last] = s[last], nil
	*h = s[:last]
	h.down()
	return top
}

// down moves the first queue to its place.
func (h heap) down() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if right := child + 1; right < len(h) && h.less(right, child) {
			child = right
		}
		if !h.less(child, i) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
