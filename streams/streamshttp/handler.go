package streamshttp

import (
	"encoding/json"
	"net/http"

	"github.com/millrace/millrace/streams"
)

// Source is what the handlers ask: *streams.App, or a fake in tests. Status is
// called once a request, from the server's goroutines.
type Source interface {
	Status() streams.Status
}

// Option extends Handler.
type Option func(*http.ServeMux)

// WithMetrics serves h at /metrics; streamsprom.Handler makes one for Prometheus.
func WithMetrics(h http.Handler) Option {
	return func(mux *http.ServeMux) { mux.Handle("/metrics", readOnly(h)) }
}

// Handler answers /healthz, /startupz and /readyz with JSON, to GET and HEAD only.
// Status 200 means yes and 503 means no; the body says why. It is safe for
// concurrent use and keeps nothing between requests.
func Handler(app Source, opts ...Option) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/healthz", probe(app, health))
	mux.Handle("/startupz", probe(app, startup))
	mux.Handle("/readyz", probe(app, ready))
	for _, opt := range opts {
		opt(mux)
	}
	return mux
}

// probe asks the application and answers with what check makes of it.
func probe(app Source, check func(streams.Status) report) http.Handler {
	return readOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		check(app.Status()).write(w)
	}))
}

// readOnly refuses everything that could ask for a change: there is nothing here
// to be changed.
func readOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// write sends the report, uncached, so that no proxy answers for a dead process.
func (r report) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.status())
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(r) // the client went away: nobody is left to be told
}

func (r report) status() int {
	if r.OK {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}
