package main

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams/serde"
)

// Event is what a user did; when is the record's own time.
type Event struct {
	UserID string `json:"user_id"`
	Action string `json:"action"`
}

// Profile is what is known about a user; the table's key is the user id.
type Profile struct {
	Name string `json:"name"`
	Plan string `json:"plan"`
}

// Enriched is an event with the profile that the user had.
type Enriched struct {
	UserID string `json:"user_id"`
	Action string `json:"action"`
	Name   string `json:"name"`
	Plan   string `json:"plan"`
}

// Visit sums up a session.
type Visit struct {
	Events    int `json:"events"`
	Purchases int `json:"purchases"`
}

// add counts one more event.
func (v Visit) add(action string) Visit {
	v.Events++
	if action == "purchase" {
		v.Purchases++
	}
	return v
}

// plus joins two parts of what turned out to be one session.
func (v Visit) plus(w Visit) Visit {
	return Visit{v.Events + w.Events, v.Purchases + w.Purchases}
}

const (
	// minute is the window of the counts.
	minute = time.Minute
	// countGrace covers all of the demo's events: behind a repartition topic the
	// order between its writers is not defined, so what came too late for a shorter
	// grace would be a matter of luck, and not to be compared with anything.
	countGrace = 2 * time.Hour
	// sessionGap ends a session.
	sessionGap = 30 * time.Second
	// sessionGrace is how much later than the newest an event may come and still
	// count. Sessions are not repartitioned, so what is too late is the same each time.
	sessionGrace = 20 * time.Second
	// sessionRetention keeps every session of the demo within reach of late events.
	sessionRetention = 2 * time.Hour
)

// countKey is one user's one action, the key of the counts.
func countKey(user, action string) string { return user + " " + action }

// countName is the output's key: the count's key and the minute.
func countName(w serde.Windowed[string]) string {
	return w.Key + " " + at(w.Window.Start).Format("2006-01-02T15:04Z")
}

// visitName is the output's key: the user and the session's two ends.
func visitName(w serde.Windowed[string]) string {
	const layout = "2006-01-02T15:04:05.000Z"
	return fmt.Sprintf("%s %s/%s", w.Key, at(w.Window.Start).Format(layout), at(w.Window.End).Format(layout))
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
