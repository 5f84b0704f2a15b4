// Command wordcount counts words: lines come in from the topic "lines", and each
// count that changes goes out to the topic "counts".
//
//	KAFKA_BOOTSTRAP_SERVERS=localhost:9092 go run ./examples/wordcount
package main

import (
	"cmp"
	"context"
	"log"
	"os"
	"strings"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

var (
	lines  = streams.NewTopic("lines", serde.String, serde.String)
	counts = streams.NewTopic("counts", serde.String, serde.Int64)
)

// topology splits lines into words, brings equal words together, counts them.
func topology() *streams.Builder {
	b := streams.NewBuilder()
	b.Stream(lines).
		FlatMapValues(strings.Fields).
		GroupBy(func(_, word string) string { return word }, serde.String).
		Count(streams.As("counts"), streams.NoCache()). // each change at once; else the last one of each commit
		ToStream().
		To(counts)
	return b
}

func main() {
	brokers := cmp.Or(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), "localhost:9092")
	app, err := streams.New(topology(), streams.Config{
		ApplicationID: "wordcount",
		Brokers:       strings.Split(brokers, ","),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := app.Run(context.Background()); err != nil { // until SIGTERM
		log.Fatal(err)
	}
}
