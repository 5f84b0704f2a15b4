package worker

import "sync"

// mailbox brings calls to the worker's goroutine. It does not bound them: the
// poller bounds what is buffered by pausing partitions, so that posting never
// blocks and a slow worker stops neither the poller nor a group callback.
type mailbox struct {
	mu    sync.Mutex
	calls []func()
	wake  chan struct{} // holds one token while there may be mail
}

func newMailbox() *mailbox {
	return &mailbox{wake: make(chan struct{}, 1)}
}

// post leaves a call for the worker's goroutine.
func (m *mailbox) post(call func()) {
	m.mu.Lock()
	m.calls = append(m.calls, call)
	m.mu.Unlock()
	m.nudge()
}

// nudge wakes the worker's goroutine without mail.
func (m *mailbox) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take empties the mailbox, in the order of posting.
func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := m.calls
	m.calls = nil
	return calls
}
