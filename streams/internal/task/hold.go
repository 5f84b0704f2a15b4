package task

import "context"

// Held is the number of records that operators hold back. While it is not 0 the
// task's offsets must not be committed: they are past those records.
func (t *Task) Held() (n int) {
	for _, h := range t.linked.Holders {
		n += h.Held()
	}
	return n
}

// Full says that the task should take no record, because an operator holds as many as
// it should. Process takes one all the same.
func (t *Task) Full() bool {
	for _, h := range t.linked.Holders {
		if h.Full() {
			return true
		}
	}
	return false
}

// Release sends on what operators need not hold any longer, and reports whether there
// was anything. It comes between records: nobody sends while a record is under way.
func (t *Task) Release() (released bool, err error) {
	for _, h := range t.linked.Holders {
		before := h.Held()
		if before == 0 {
			continue
		}
		if err := guardCall(h.Release); err != nil {
			return released, t.fault(nil, err)
		}
		released = released || h.Held() != before
	}
	return released, nil
}

// Settle releases records until none is held, and waits for them until ctx is done.
func (t *Task) Settle(ctx context.Context) error {
	for {
		if _, err := t.Release(); err != nil {
			return err
		}
		waits := t.holding()
		if waits == nil {
			return nil
		}
		if err := waits.Wait(ctx); err != nil {
			return err
		}
	}
}

// holding is the first operator that holds records; nil if none does.
func (t *Task) holding() Holder {
	for _, h := range t.linked.Holders {
		if h.Held() > 0 {
			return h
		}
	}
	return nil
}

// Close gives up what operators hold. The task is of no further use.
func (t *Task) Close() {
	for _, h := range t.linked.Holders {
		h.Close()
	}
}
