package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/serde/schema/avroserde"
	"github.com/millrace/millrace/streams/serde/schema/protoserde"
)

var (
	errHeader = errors.New("not in the format of a schema registry: the topic holds something else, or was written with another serde")
	errIndex  = errors.New("another message of the file than this serde reads")
)

// JSON is the serde of a T in JSON. What it reads must have the format, but is not
// checked against a schema.
func JSON[T any](ctx context.Context, r *Registry, s Schema) (serde.Serde[T], error) {
	id, _, err := r.resolve(ctx, s, sr.TypeJSON)
	if err != nil {
		return nil, err
	}
	return framed[T]{id: id, inner: serde.JSON[T]()}, nil
}

// Proto is the serde of a message type T, a pointer; nil is null. It reads what any
// version of the schema wrote, as Protocol Buffers do by themselves, so that it never
// asks the registry while it reads. Text is the source of the .proto file that has the
// message.
func Proto[T proto.Message](ctx context.Context, r *Registry, s Schema) (serde.Serde[T], error) {
	id, _, err := r.resolve(ctx, s, sr.TypeProtobuf)
	if err != nil {
		return nil, err
	}
	var none T
	index := indexOf(none.ProtoReflect().Descriptor())
	return nullable[T]{framed[T]{id: id, index: index, inner: protoserde.Of[T]()}}, nil
}

// indexOf is the place of a message in its file: of the outermost message that holds
// it, of the next within that, and so on.
func indexOf(d protoreflect.Descriptor) (index []int) {
	for ; ; d = d.Parent() {
		if _, file := d.(protoreflect.FileDescriptor); file {
			slices.Reverse(index)
			return index
		}
		index = append(index, d.Index())
	}
}

// Avro is the serde of a T by an Avro schema. It reads what other versions of the
// schema wrote, as far as Avro can resolve them: it asks the registry for each that it
// comes across, once. While the registry does not answer, the task waits, up to
// [Registry.Patience]; then the record counts as one that cannot be decoded.
func Avro[T any](ctx context.Context, r *Registry, s Schema) (serde.Serde[T], error) {
	id, text, err := r.resolve(ctx, s, sr.TypeAvro)
	if err != nil {
		return nil, err
	}
	own, err := avro.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the schema of the subject %s: %w", s.Subject, err)
	}
	a := &avroSerde[T]{registry: r, own: own, framed: framed[T]{id: id, inner: avroserde.For[T](own)}}
	a.readers.Store(id, a.inner)
	return a, nil
}

// framed puts the header of the registry in front of what inner writes.
type framed[T any] struct {
	id    int
	index []int // of a message in its file; nil for other formats
	inner serde.Serde[T]
}

// Append implements serde.Serde.
func (s framed[T]) Append(dst []byte, v T) ([]byte, error) {
	var header sr.ConfluentHeader
	dst, err := header.AppendEncode(dst, s.id, s.index)
	if err != nil {
		return dst, err
	}
	return s.inner.Append(dst, v)
}

// Decode implements serde.Serde.
func (s framed[T]) Decode(b []byte) (v T, err error) {
	_, rest, err := s.split(b)
	if err != nil {
		return v, err
	}
	return s.inner.Decode(rest)
}

// split takes the header off.
func (s framed[T]) split(b []byte) (id int, rest []byte, err error) {
	var header sr.ConfluentHeader
	id, rest, err = header.DecodeID(b)
	if err != nil {
		return 0, nil, errHeader
	}
	if s.index == nil {
		return id, rest, nil
	}
	index, rest, err := header.DecodeIndex(rest, len(s.index))
	switch {
	case errors.Is(err, sr.ErrNotRegistered) || err == nil && !slices.Equal(index, s.index):
		return 0, nil, errIndex
	case err != nil:
		return 0, nil, errHeader
	}
	return id, rest, nil
}

// nullable is framed for pointers.
type nullable[T proto.Message] struct{ framed[T] }

// Null implements serde.NullAware.
func (nullable[T]) Null() (none T) { return none }

// IsNull implements serde.NullAware.
func (nullable[T]) IsNull(v T) bool { return !v.ProtoReflect().IsValid() }

// avroSerde reads what several schemas wrote.
type avroSerde[T any] struct {
	framed[T]
	registry *Registry
	own      *avro.Schema
	readers  sync.Map // serde.Serde[T] by the writer's id
}

// Decode implements serde.Serde.
func (s *avroSerde[T]) Decode(b []byte) (v T, err error) {
	id, rest, err := s.split(b)
	if err != nil {
		return v, err
	}
	reader, ok := s.readers.Load(id)
	if !ok {
		if reader, err = s.reader(id); err != nil {
			return v, err
		}
	}
	return reader.(serde.Serde[T]).Decode(rest)
}

// reader makes the serde for what the schema of an id wrote.
func (s *avroSerde[T]) reader(id int) (serde.Serde[T], error) {
	written, err := s.registry.byID(id)
	if err != nil {
		return nil, err
	}
	writer, err := avro.Parse(written.Schema)
	if err != nil {
		return nil, fmt.Errorf("the schema with the id %d: %w", id, err)
	}
	resolved, err := avro.Resolve(writer, s.own)
	if err != nil {
		return nil, fmt.Errorf("what the schema with the id %d wrote cannot be read: %w", id, err)
	}
	reader := avroserde.For[T](resolved)
	s.readers.Store(id, reader)
	return reader, nil
}
