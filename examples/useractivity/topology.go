package main

import (
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// topology declares the whole job.
func topology() *streams.Builder {
	b := streams.NewBuilder()
	events := b.Stream(streams.NewTopic(eventsTopic, serde.String, serde.JSON[Event]()))
	profiles := b.Table(streams.NewTopic(profilesTopic, serde.String, serde.JSON[Profile]()), streams.As("profiles"))

	// Counts per user, action and minute. The new key sends the events through a
	// repartition topic, which the library creates and cleans up.
	events.
		GroupBy(func(_ string, e Event) string { return countKey(e.UserID, e.Action) }, serde.String).
		WindowedBy(streams.Tumbling(minute).Grace(countGrace)).
		Count(streams.As("per-minute")).
		ToStream(countName).
		To(streams.NewTopic(countsTopic, serde.String, serde.Int64))

	// Sessions per user: events with less than the gap between them.
	events.
		GroupByKey().
		SessionsBy(streams.SessionGap(sessionGap).Grace(sessionGrace)).
		Aggregate(
			func() Visit { return Visit{} },
			func(_ string, e Event, v Visit) Visit { return v.add(e.Action) },
			func(_ string, a, b Visit) Visit { return a.plus(b) },
			serde.JSON[Visit](),
			streams.As("sessions"), streams.WithRetention(sessionRetention)).
		ToStream(visitName).
		To(streams.NewTopic(visitsTopic, serde.String, serde.JSON[Visit]()))

	// Events with what is known about the user, if anything is.
	events.
		LeftJoinTable(profiles, enrich).
		To(streams.NewTopic(enrichedTopic, serde.String, serde.JSON[Enriched]()))
	return b
}

// enrich joins an event with the user's profile, which may be missing.
func enrich(_ string, e Event, p streams.Opt[Profile]) Enriched {
	return Enriched{e.UserID, e.Action, p.V.Name, p.V.Plan}
}
