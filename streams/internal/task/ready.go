package task

// Ready is the number of topics that have records waiting. When it is the number
// of all topics, the next record is surely the oldest one.
func (t *Task) Ready() int { return len(t.ready) }
