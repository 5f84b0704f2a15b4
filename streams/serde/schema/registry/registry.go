// Package registry writes and reads the wire format of Confluent's Schema Registry, as
// its serializers for the JVM do: a zero, the id of the schema in four bytes, for
// Protocol Buffers the place of the message in its file, and then the value.
//
// What is needed to write is asked for when a serde is made. Reading asks the registry
// once for each schema of Avro that it comes across, and remembers it.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// Patience is how long reading goes on asking for a schema while the registry does not
// answer, unless [Registry.Patience] says otherwise. Its task stands still meanwhile.
const Patience = 30 * time.Second

// firstPause is that between the first two tries; they double.
const firstPause = 50 * time.Millisecond

// Registry asks a schema registry and remembers what it said. It is safe for concurrent
// use; its fields must be set before that.
type Registry struct {
	// Client is how it is reached: addresses, TLS, users.
	Client *sr.Client
	// Patience is how long reading goes on asking while there is no answer; 0 is the
	// constant of that name. An answer that there is no such schema is final.
	Patience time.Duration

	mu      sync.Mutex
	schemas map[int]sr.Schema
}

// New asks through client.
func New(client *sr.Client) *Registry { return &Registry{Client: client} }

// Schema is what a serde writes, and under which subject it is registered.
type Schema struct {
	// Subject is the schema's name in the registry; see [Subject].
	Subject string
	// Text is the schema. Where it is empty the latest version of the subject is taken.
	Text string
	// References are other schemas that Text refers to.
	References []sr.SchemaReference
	// LookUpOnly takes the id of a schema that must be registered already; else it is
	// registered if need be.
	LookUpOnly bool
}

// Subject is the subject of a topic's keys or values by the usual strategy,
// TopicNameStrategy.
func Subject(topic string, key bool) string {
	if key {
		return topic + "-key"
	}
	return topic + "-value"
}

// resolve finds the id of a schema, and its text if it was not given.
func (r *Registry) resolve(ctx context.Context, s Schema, typ sr.SchemaType) (id int, text string, err error) {
	wanted := sr.Schema{Schema: s.Text, Type: typ, References: s.References}
	var found sr.SubjectSchema
	switch {
	case s.Text == "":
		found, err = r.Client.SchemaByVersion(ctx, s.Subject, -1)
	case s.LookUpOnly:
		found, err = r.Client.LookupSchema(ctx, s.Subject, wanted)
	default:
		found.ID, err = r.Client.RegisterSchema(ctx, s.Subject, wanted, -1, -1)
		found.Schema = wanted
	}
	if err != nil {
		return 0, "", fmt.Errorf("the schema of the subject %s: %w", s.Subject, err)
	}
	if s.Text == "" && found.Type != typ {
		return 0, "", fmt.Errorf("the latest schema of the subject %s is of the type %v, not %v", s.Subject, found.Type, typ)
	}
	if s.Text != "" {
		return found.ID, s.Text, nil
	}
	return found.ID, found.Schema.Schema, nil
}

// byID is the schema of an id. It asks as long as that may help.
func (r *Registry) byID(id int) (sr.Schema, error) {
	r.mu.Lock()
	have, ok := r.schemas[id]
	r.mu.Unlock()
	if ok {
		return have, nil
	}
	s, err := r.ask(id)
	if err != nil {
		return s, fmt.Errorf("the schema with the id %d: %w", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.schemas == nil {
		r.schemas = map[int]sr.Schema{}
	}
	r.schemas[id] = s
	return s, nil
}

func (r *Registry) ask(id int) (sr.Schema, error) {
	patience := r.Patience
	if patience == 0 {
		patience = Patience
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for pause := firstPause; ; pause *= 2 {
		s, err := r.Client.SchemaByID(ctx, id)
		if err == nil || final(err) {
			return s, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return s, err
		}
	}
}

// final says whether the registry has answered, and will not answer otherwise.
func final(err error) bool {
	answer, ok := errors.AsType[*sr.ResponseError](err)
	return ok && answer.StatusCode < http.StatusInternalServerError && answer.StatusCode != http.StatusTooManyRequests
}
