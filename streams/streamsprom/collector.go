package streamsprom

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/millrace/millrace/streams"
)

// maxScrapes is how many scrapes are answered at the same time; more are refused
// with 503 rather than queued.
const maxScrapes = 4

// Source is what the collector asks: *streams.App, or a fake in tests.
type Source interface {
	Status() streams.Status
}

// collector makes metrics of one snapshot per scrape.
type collector struct {
	app     Source
	metrics []metric
	desc    map[string]*prometheus.Desc
}

// NewCollector makes a collector of the application's metrics for a registry of
// the program's own. It is safe for concurrent use; several applications of one
// process may share a registry if their ids differ.
func NewCollector(app Source) prometheus.Collector {
	c := collector{app: app, metrics: metrics(), desc: map[string]*prometheus.Desc{}}
	labels := prometheus.Labels{"application": app.Status().ApplicationID}
	for _, m := range c.metrics {
		c.desc[m.name] = prometheus.NewDesc(m.name, m.help, m.labels, labels)
	}
	return c
}

// Handler serves the application's metrics together with those of the Go runtime
// and the process, for streamshttp.WithMetrics or any server.
func Handler(app Source) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(NewCollector(app), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.desc {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	s := c.app.Status()
	for _, m := range c.metrics {
		m.read(s, sink{ch, c.desc[m.name], m.kind})
	}
}

// sink sends the values of one metric.
type sink struct {
	ch   chan<- prometheus.Metric
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// send emits one value, with its labels in the order of the metric's own.
func (s sink) send(v float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(s.desc, s.kind, v, labels...)
}

// histogram emits h, whose counts are per bucket, as Prometheus wants them:
// cumulative, without the last bucket, which is the total.
func (s sink) histogram(h streams.Histogram) {
	buckets, sum := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, bound := range h.Bounds {
		if i < len(h.Counts) {
			sum += h.Counts[i]
		}
		buckets[bound] = sum
	}
	s.ch <- prometheus.MustNewConstHistogram(s.desc, h.Count, h.Sum, buckets)
}
