package serde_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/streams/serde"
)

// Event is what the topic holds.
type Event struct {
	UserID string `json:"user_id"`
	Action string `json:"action"`
}

func ExampleJSON() {
	events := serde.JSON[Event]()
	b, _ := events.Append(nil, Event{UserID: "u-123", Action: "login"})
	e, _ := events.Decode(b)
	fmt.Println(string(b), e.Action)
	// Output: {"user_id":"u-123","action":"login"} login
}

func ExampleNullable() {
	texts := serde.Nullable(serde.String)
	deleted, _ := texts.Decode(nil)
	fmt.Println(deleted == nil)
	// Output: true
}

func ExampleWindowedTime() {
	perMinute := serde.WindowedTime(serde.String, time.Minute)
	b, _ := perMinute.Append(nil, serde.Windowed[string]{Key: "u-123", Window: serde.Window{Start: 60_000}})
	w, _ := perMinute.Decode(b)
	fmt.Println(w.Key, w.Window.Start, w.Window.End)
	// Output: u-123 60000 120000
}

func ExampleWindowedSession() {
	visits := serde.WindowedSession(serde.String)
	b, _ := visits.Append(nil, serde.Windowed[string]{Key: "u-123", Window: serde.Window{Start: 5, End: 9}})
	fmt.Printf("%s %x\n", visits.(serde.InnerKey).InnerKey(b), b[5:])
	// Output: u-123 00000000000000090000000000000005
}

func ExamplePartition() {
	fmt.Println(serde.Partition([]byte("u-123"), 6)) // as Kafka's own producers choose
	// Output: 5
}
