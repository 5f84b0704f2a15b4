package worker

import "time"

// patience bounds the wait for records that the broker is known to have. It is
// long enough for a leader to move, and ends the wait for records that were
// deleted meanwhile.
const patience = 10 * time.Second

// ready reports whether to process the next record now. While some inputs of a
// task are empty, a record still to be fetched may be older than those at hand.
// It costs a comparison for each record and looks closely only when an input has
// run empty.
func (o *owned) ready(now time.Time) bool {
	with := o.live.Ready()
	if with > 0 && o.live.Full() {
		return false
	}
	if with == 0 || with == len(o.inputs) || with == o.decided {
		return with > 0
	}
	if o.waits(now) {
		return false
	}
	o.decided = with
	return true
}

// waits reports whether an empty input is worth waiting for: for what its
// partition is known to have, or for MaxTaskIdle, but not for one that is idle. Once
// that is over, the input is not waited for again until it has had records.
func (o *owned) waits(now time.Time) (waits bool) {
	for _, in := range o.inputs {
		limit := o.idleLimit(in)
		if limit <= 0 {
			continue
		}
		if in.emptySince.IsZero() {
			in.emptySince = now
		}
		waits = waits || now.Before(in.until(limit))
	}
	return waits
}

// idleLimit is how long an input may hold the others up; 0 if it has records.
func (o *owned) idleLimit(in *input) time.Duration {
	if o.live.Buffered(in.topic) > 0 {
		return 0
	}
	if lag, _ := in.lag(); lag > 0 {
		return max(patience, o.worker.opt.MaxTaskIdle)
	}
	return o.worker.opt.MaxTaskIdle
}

// until is when an empty input ends to hold the others up, which it may for limit. It
// ends earlier if the input has been silent for so long that it is idle.
func (in *input) until(limit time.Duration) time.Time {
	end := in.emptySince.Add(limit)
	if lag, _ := in.lag(); in.idle == 0 || lag > 0 {
		return end
	}
	if silent := in.heard.Add(in.idle); silent.Before(end) {
		return silent
	}
	return end
}

// due is when the task has something to do though no mail arrives.
func (o *owned) due(now time.Time) (at time.Time, ok bool) {
	if o.live == nil {
		return at, false
	}
	if ms, wall := o.live.Due(); wall {
		at, ok = time.UnixMilli(ms), true
	}
	if o.live.Ready() == 0 {
		return at, ok
	}
	for _, in := range o.inputs { // records are at hand and wait for others
		limit := o.idleLimit(in)
		if until := in.until(limit); limit > 0 && until.After(now) && (!ok || until.Before(at)) {
			at, ok = until, true
		}
	}
	return at, ok
}
