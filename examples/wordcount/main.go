// Command wordcount counts words: lines come in from the topic "lines", and each
// count that changes goes out to the topic "counts".
//
//	KAFKA_BOOTSTRAP_SERVERS=localhost:9092 go run ./examples/wordcount
//
// More variables configure it when it is deployed: k8s/README.md.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"github.com/millrace/millrace/examples/internal/deploy"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/streamshttp"
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
	config, err := deploy.Config("wordcount", os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	if len(config.Brokers) == 0 {
		config.Brokers = []string{"localhost:9092"}
	}
	app, err := streams.New(topology(), config)
	if err != nil {
		log.Fatal(err)
	}
	// Until SIGTERM. Deployed, it has probes and metrics, which others must reach.
	if err := deploy.Run(context.Background(), app, os.Getenv(deploy.HTTP), streamshttp.AllowNonLoopback()); err != nil {
		log.Fatal(err)
	}
}
