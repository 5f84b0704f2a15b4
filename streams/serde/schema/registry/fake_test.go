package registry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millrace/millrace/streams/serde/schema/registry"
)

// fake is a schema registry in the process: what Confluent's answers to the requests
// that serdes make.
type fake struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	schemas  []sr.Schema // by id, from 1
	versions map[string][]int
	asked    []string
	down     int // so many requests get no answer but an error of the server
}

func newFake(t testing.TB) (*fake, *registry.Registry) {
	f := &fake{t: t, versions: map[string][]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /subjects/{subject}/versions", f.register)
	mux.HandleFunc("POST /subjects/{subject}", f.lookUp)
	mux.HandleFunc("GET /subjects/{subject}/versions/latest", f.latest)
	mux.HandleFunc("GET /schemas/ids/{id}", f.byID)
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
		if f.down > 0 {
			f.down--
			answer(w, http.StatusServiceUnavailable, map[string]any{"error_code": 50302, "message": "no leader"})
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.server.Close)
	client, err := sr.NewClient(sr.URLs(f.server.URL))
	require.NoError(t, err)
	return f, registry.New(client)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func notFound(w http.ResponseWriter, code int, message string) {
	answer(w, http.StatusNotFound, map[string]any{"error_code": code, "message": message})
}

// find is the id of a schema, 0 if it is not there.
func (f *fake) find(s sr.Schema) int {
	for i, have := range f.schemas {
		if have.Schema == s.Schema && have.Type == s.Type {
			return i + 1
		}
	}
	return 0
}

func (f *fake) register(w http.ResponseWriter, r *http.Request) {
	var s sr.Schema
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil || strings.Contains(s.Schema, "broken") {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error_code": 42201, "message": "Invalid schema"})
		return
	}
	id := f.find(s)
	if id == 0 {
		f.schemas = append(f.schemas, s)
		id = len(f.schemas)
	}
	subject := r.PathValue("subject")
	f.versions[subject] = append(f.versions[subject], id)
	answer(w, http.StatusOK, map[string]any{"id": id})
}

func (f *fake) lookUp(w http.ResponseWriter, r *http.Request) {
	var s sr.Schema
	_ = json.NewDecoder(r.Body).Decode(&s)
	id := f.find(s)
	for i, have := range f.versions[r.PathValue("subject")] {
		if have == id {
			answer(w, http.StatusOK, sr.SubjectSchema{Subject: r.PathValue("subject"), Version: i + 1, ID: id, Schema: s})
			return
		}
	}
	notFound(w, 40403, "Schema not found")
}

func (f *fake) latest(w http.ResponseWriter, r *http.Request) {
	all := f.versions[r.PathValue("subject")]
	if len(all) == 0 {
		notFound(w, 40401, "Subject not found")
		return
	}
	id := all[len(all)-1]
	answer(w, http.StatusOK, sr.SubjectSchema{Subject: r.PathValue("subject"), Version: len(all), ID: id, Schema: f.schemas[id-1]})
}

func (f *fake) byID(w http.ResponseWriter, r *http.Request) {
	var id int
	if _, err := fmt.Sscan(r.PathValue("id"), &id); err != nil || id < 1 || id > len(f.schemas) {
		notFound(w, 40403, "Schema not found")
		return
	}
	answer(w, http.StatusOK, f.schemas[id-1])
}

// requests are those since the last call.
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.asked
	f.asked = nil
	return out
}

// fails lets the next n requests fail.
func (f *fake) fails(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = n
}
