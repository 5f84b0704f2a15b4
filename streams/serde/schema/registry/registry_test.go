package registry_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
	"github.com/millrace/millrace/streams/serde/schema/registry"
	"github.com/millrace/millrace/streams/streamstest"
)

var background = context.Background()

type user struct {
	Name string `avro:"name" json:"name"`
	Age  int64  `avro:"age" json:"age"`
}

const (
	userV1 = `{"type":"record","name":"user","fields":[{"name":"name","type":"string"}]}`
	userV2 = `{"type":"record","name":"user","fields":[{"name":"name","type":"string"},{"name":"age","type":"long","default":-1}]}`
)

// TestAvroOnTheWire: a zero, the id, Avro's bytes; asked for once, when it is made.
func TestAvroOnTheWire(t *testing.T) {
	t.Parallel()
	f, r := newFake(t)
	s, err := registry.Avro[user](background, r, registry.Schema{Subject: registry.Subject("users", false), Text: userV2})
	require.NoError(t, err)
	require.Equal(t, []string{"POST /subjects/users-value/versions"}, f.requests())
	want := []byte{0, 0, 0, 0, 1, 6, 'A', 'n', 'n', 84}
	b, err := s.Append([]byte("x"), user{"Ann", 42})
	require.NoError(t, err)
	require.Equal(t, append([]byte("x"), want...), b)
	v, err := s.Decode(want)
	require.NoError(t, err)
	require.Equal(t, user{"Ann", 42}, v)
	require.Empty(t, f.requests())
}

// TestAvroReadsOtherVersions, each asked for once.
func TestAvroReadsOtherVersions(t *testing.T) {
	t.Parallel()
	f, r := newFake(t)
	type old struct {
		Name string `avro:"name"`
	}
	before, err := registry.Avro[old](background, r, registry.Schema{Subject: "users-value", Text: userV1})
	require.NoError(t, err)
	b, err := before.Append(nil, old{"Bob"})
	require.NoError(t, err)
	s, err := registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV2})
	require.NoError(t, err)
	f.requests()
	for range 3 {
		v, err := s.Decode(b)
		require.NoError(t, err)
		require.Equal(t, user{"Bob", -1}, v)
	}
	require.Equal(t, []string{"GET /schemas/ids/1"}, f.requests())

	newer, err := s.Append(nil, user{"Cid", 7})
	require.NoError(t, err)
	v, err := before.Decode(newer)
	require.NoError(t, err)
	require.Equal(t, old{"Cid"}, v)
}

// TestReadingWaitsForTheRegistry, but not for what it says there is not.
func TestReadingWaitsForTheRegistry(t *testing.T) {
	t.Parallel()
	f, r := newFake(t)
	s, err := registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV2})
	require.NoError(t, err)
	_, err = registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV1})
	require.NoError(t, err)
	f.fails(2)
	v, err := s.Decode([]byte{0, 0, 0, 0, 2, 6, 'A', 'n', 'n'})
	require.NoError(t, err)
	require.Equal(t, user{"Ann", -1}, v)
	f.requests()
	_, err = s.Decode([]byte{0, 0, 0, 0, 9, 6, 'A', 'n', 'n'})
	require.ErrorContains(t, err, "the schema with the id 9: Schema not found")
	require.Len(t, f.requests(), 1)
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	f, r := newFake(t)
	r.Patience = 100 * time.Millisecond
	s, err := registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV2})
	require.NoError(t, err)
	f.server.Close()
	_, err = s.Decode([]byte{0, 0, 0, 0, 2, 6, 'A', 'n', 'n'})
	require.ErrorContains(t, err, "the schema with the id 2")
}

// TestProtoOnTheWire: the first message of a file has a short place.
func TestProtoOnTheWire(t *testing.T) {
	t.Parallel()
	f, r := newFake(t)
	s, err := registry.Proto[*wrapperspb.DoubleValue](background, r, registry.Schema{Subject: "d-value", Text: `syntax = "proto3"; message DoubleValue { double value = 1; }`})
	require.NoError(t, err)
	b, err := s.Append(nil, wrapperspb.Double(0))
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0, 1, 0}, b)

	third, err := registry.Proto[*wrapperspb.Int64Value](background, r, registry.Schema{Subject: "d-value"})
	require.NoError(t, err, "the latest version, whatever message is used")
	b, err = third.Append(nil, wrapperspb.Int64(3))
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0, 1, 2, 4, 8, 3}, b, "one place, the third, zigzag")
	v, err := third.Decode(b)
	require.NoError(t, err)
	require.EqualValues(t, 3, v.Value)
	_, err = s.Decode(b)
	require.ErrorContains(t, err, "another message of the file")

	nested, err := registry.Proto[*descriptorpb.DescriptorProto_ReservedRange](background, r, registry.Schema{Subject: "d-value"})
	require.NoError(t, err)
	b, err = nested.Append(nil, &descriptorpb.DescriptorProto_ReservedRange{})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0, 1, 4, 4, 2}, b, "two places: the third message, and its second")
	_, err = s.Decode(b)
	require.ErrorContains(t, err, "another message of the file")
	f.requests()
	aware := s.(serde.NullAware[*wrapperspb.DoubleValue])
	require.True(t, aware.IsNull(aware.Null()))
}

func TestJSONOnTheWire(t *testing.T) {
	t.Parallel()
	_, r := newFake(t)
	s, err := registry.JSON[user](background, r, registry.Schema{Subject: "users-value", Text: `{"type":"object"}`})
	require.NoError(t, err)
	b, err := s.Append(nil, user{"Ann", 42})
	require.NoError(t, err)
	require.Equal(t, "\x00\x00\x00\x00\x01"+`{"name":"Ann","age":42}`, string(b))
	v, err := s.Decode(b)
	require.NoError(t, err)
	require.Equal(t, user{"Ann", 42}, v)
}

func TestWhatHasNoHeader(t *testing.T) {
	t.Parallel()
	_, r := newFake(t)
	s, err := registry.Proto[*wrapperspb.DoubleValue](background, r, registry.Schema{Subject: "d-value", Text: "message"})
	require.NoError(t, err)
	for _, bad := range [][]byte{nil, {0, 0, 0, 0}, {1, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 1, 3}, {0, 0, 0, 0, 1, 255}} {
		_, err := s.Decode(bad)
		require.ErrorContains(t, err, "not in the format of a schema registry", "%x", bad)
	}
}

func TestSchemasThatMustBeThere(t *testing.T) {
	t.Parallel()
	f, r := newFake(t)
	_, err := registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV1, LookUpOnly: true})
	require.ErrorContains(t, err, "the schema of the subject users-value: Schema not found")
	_, err = registry.Avro[user](background, r, registry.Schema{Subject: "users-value"})
	require.ErrorContains(t, err, "Subject not found")
	_, err = registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV2})
	require.NoError(t, err)
	f.requests()
	s, err := registry.Avro[user](background, r, registry.Schema{Subject: "users-value", Text: userV2, LookUpOnly: true})
	require.NoError(t, err)
	latest, err := registry.Avro[user](background, r, registry.Schema{Subject: "users-value"})
	require.NoError(t, err)
	require.Equal(t, []string{"POST /subjects/users-value", "GET /subjects/users-value/versions/latest"}, f.requests())
	a, err := s.Append(nil, user{"Ann", 1})
	require.NoError(t, err)
	b, err := latest.Append(nil, user{"Ann", 1})
	require.NoError(t, err)
	require.Equal(t, a, b)
	_, err = registry.JSON[user](background, r, registry.Schema{Subject: "users-value"})
	require.ErrorContains(t, err, "is of the type AVRO, not JSON")
	_, err = registry.JSON[user](background, r, registry.Schema{Subject: "users-value", Text: "broken"})
	require.ErrorContains(t, err, "Invalid schema")
}

// TestInATopology: a table in Avro, counted by a key in Protocol Buffers.
func TestInATopology(t *testing.T) {
	t.Parallel()
	_, r := newFake(t)
	keys, err := registry.Proto[*wrapperspb.StringValue](background, r, registry.Schema{Subject: registry.Subject("users", true), Text: "message StringValue"})
	require.NoError(t, err)
	values, err := registry.Avro[user](background, r, registry.Schema{Subject: registry.Subject("users", false), Text: userV2})
	require.NoError(t, err)
	users, ages := streams.NewTopic("users", keys, values), streams.NewTopic("ages", keys, serde.Int64)
	b := streams.NewBuilder()
	b.Stream(users).GroupByKey().Reduce(func(acc, v user) user { return user{v.Name, acc.Age + v.Age} }, streams.As("sums")).
		ToStream().MapValues(func(u user) int64 { return u.Age }).To(ages)
	d := streamstest.New(t, b)
	in := streamstest.Input(d, users)
	in.Send(wrapperspb.String("a"), user{"Ann", 1})
	in.Send(wrapperspb.String("a"), user{"Ann", 2})
	d.Restore()
	in.Send(wrapperspb.String("a"), user{"Ann", 3})
	require.Equal(t, []int64{1, 3, 6}, streamstest.Output(d, ages).Values())
}

func FuzzHeaders(f *testing.F) {
	_, r := newFake(f)
	protos, err := registry.Proto[*descriptorpb.DescriptorProto_ReservedRange](background, r, registry.Schema{Subject: "p", Text: "m"})
	require.NoError(f, err)
	jsons, err := registry.JSON[map[string]any](background, r, registry.Schema{Subject: "j", Text: "{}"})
	require.NoError(f, err)
	f.Add([]byte{0, 0, 0, 0, 1, 4, 4, 2})
	f.Add([]byte{0, 0, 0, 0, 1, '{', '}'})
	f.Fuzz(func(_ *testing.T, b []byte) { // neither may panic, or take much memory
		_, _ = protos.Decode(b)
		_, _ = jsons.Decode(b)
	})
}

func ExampleAvro() {
	_, r := newFake(new(testing.B)) // in place of New with the client of a registry
	users, err := registry.Avro[user](context.Background(), r, registry.Schema{
		Subject: registry.Subject("users", false),
		Text:    userV2,
	})
	b, _ := users.Append(nil, user{"Ann", 42})
	fmt.Printf("%x %v\n", b, err)
	// Output: 000000000106416e6e54 <nil>
}

func ExampleNew() {
	client, err := sr.NewClient(sr.URLs("http://localhost:8081"))
	r := registry.New(client)
	fmt.Println(r.Client == client, err)
	// Output: true <nil>
}
