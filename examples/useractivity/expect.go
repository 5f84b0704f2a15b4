package main

import (
	"maps"
	"slices"

	"github.com/millrace/millrace/streams/serde"
)

// results is what the job's output topics say in the end, by key.
type results struct {
	counts map[string]int64
	visits map[string]Visit
	// enriched counts equal records: their topic is a stream, not a table.
	enriched map[Enriched]int64
}

func newResults() results {
	return results{map[string]int64{}, map[string]Visit{}, map[Enriched]int64{}}
}

// oracle computes the results from the raw events with maps and loops, knowing
// nothing of streams. It sees the events of each partition in the order of their
// offsets, because that order decides which of them are late.
type oracle struct {
	results
	profiles map[string]Profile
	// newest is the largest event time of each partition so far.
	newest map[int32]int64
	// sessions are all of a user's, by user.
	sessions map[string][]session
	// late counts the events that came too late for their session.
	late int64
	// updates counts the records that each output topic must have got.
	updates map[string]int64
}

// session is one user's visit; both ends are events.
type session struct {
	start, end int64
	Visit
}

func newOracle() *oracle {
	return &oracle{
		results: newResults(), profiles: map[string]Profile{}, newest: map[int32]int64{},
		sessions: map[string][]session{}, updates: map[string]int64{},
	}
}

// event takes the next event of a partition.
func (o *oracle) event(partition int32, e Event, ms int64) {
	o.newest[partition] = max(o.newest[partition], ms)
	o.count(e, ms)
	o.visit(partition, e, ms)
	o.enrich(e)
}

// count: every event belongs to the minute of its own time, however late it came.
func (o *oracle) count(e Event, ms int64) {
	start := ms - ms%minute.Milliseconds()
	o.counts[countName(serde.Windowed[string]{
		Key: countKey(e.UserID, e.Action), Window: serde.Window{Start: start, End: start + minute.Milliseconds()},
	})]++
	o.updates[countsTopic]++
}

// enrich: profiles are older than all events, so each user has one.
func (o *oracle) enrich(e Event) {
	p := o.profiles[e.UserID]
	o.enriched[Enriched{e.UserID, e.Action, p.Name, p.Plan}]++
	o.updates[enrichedTopic]++
}

// visit: an event joins all sessions of its user within the gap into one, unless
// even that one ended too long ago.
func (o *oracle) visit(partition int32, e Event, ms int64) {
	gap := sessionGap.Milliseconds()
	joined := session{start: ms, end: ms}
	var near, apart []session
	for _, s := range o.sessions[e.UserID] {
		if s.end < ms-gap || s.start > ms+gap {
			apart = append(apart, s)
			continue
		}
		near = append(near, s)
		joined.start, joined.end = min(joined.start, s.start), max(joined.end, s.end)
		joined.Visit = joined.plus(s.Visit)
	}
	if joined.end < o.newest[partition]-sessionGrace.Milliseconds()-gap {
		o.late++
		return
	}
	joined.Visit = joined.add(e.Action)
	o.replace(e.UserID, near, joined)
	o.sessions[e.UserID] = append(apart, joined)
}

// replace writes the joined session in place of its parts. Each part that goes is a
// deletion in the output, unless it is the same session: of this very millisecond.
func (o *oracle) replace(user string, parts []session, joined session) {
	for _, s := range parts {
		if joined.start != joined.end {
			delete(o.visits, s.name(user))
			o.updates[visitsTopic]++
		}
	}
	o.visits[joined.name(user)] = joined.Visit
	o.updates[visitsTopic]++
}

func (s session) name(user string) string {
	return visitName(serde.Windowed[string]{Key: user, Window: serde.Window{Start: s.start, End: s.end}})
}

// differences lists the keys whose values differ or are on one side only, sorted,
// and how many there are; the list stops at most.
func differences[K comparable, V comparable](got, want map[K]V, most int, name func(K) string) ([]string, int) {
	var out []string
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			out = append(out, name(k))
		}
	}
	for k := range maps.Keys(got) {
		if _, ok := want[k]; !ok {
			out = append(out, name(k))
		}
	}
	slices.Sort(out)
	return out[:min(len(out), most)], len(out)
}
