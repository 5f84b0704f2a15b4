package streamsprom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamshttp"
	"github.com/millrace/millrace/streams/streamsprom"
)

// A program with a registry of its own adds the application to it.
func ExampleNewCollector() {
	registry := prometheus.NewRegistry()
	fmt.Println(registry.Register(streamsprom.NewCollector(app{ApplicationID: "wordcount"})))
	// Output: <nil>
}

// Probes and metrics on one server.
func ExampleHandler() {
	job := app{ApplicationID: "wordcount", State: streams.StateRunning, Processed: 42}
	h := streamshttp.Handler(job, streamshttp.WithMetrics(streamsprom.Handler(job)))

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "millrace_records_processed_total") {
			fmt.Print(line)
		}
	}
	// Output: millrace_records_processed_total{application="wordcount"} 42
}
