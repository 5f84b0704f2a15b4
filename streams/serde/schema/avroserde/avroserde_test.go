package avroserde_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/avro"

	"github.com/millrace/millrace/streams/serde/schema/avroserde"
)

// test is the record of the specification's example.
type test struct {
	A int64  `avro:"a"`
	B string `avro:"b"`
}

const testSchema = `{"type":"record","name":"test","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"}]}`

// TestGoldenBytes are those of Avro's specification.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	s, err := avroserde.Of[test](testSchema)
	require.NoError(t, err)
	want := []byte{0x36, 0x06, 0x66, 0x6f, 0x6f}
	b, err := s.Append([]byte("x"), test{27, "foo"})
	require.NoError(t, err)
	require.Equal(t, append([]byte("x"), want...), b)
	v, err := s.Decode(want)
	require.NoError(t, err)
	require.Equal(t, test{27, "foo"}, v)
}

// TestNothingOfTheValueIsInErrors, and what is cut or too long is one.
func TestNothingOfTheValueIsInErrors(t *testing.T) {
	t.Parallel()
	s, err := avroserde.Of[test](testSchema)
	require.NoError(t, err)
	for _, bad := range [][]byte{nil, {0x36}, {0x36, 0x06, 0x66}, {0x36, 0x06, 0x66, 0x6f, 0x6f, 0}} {
		v, err := s.Decode(bad)
		require.EqualError(t, err, "not of this schema: the topic holds something else, or was written with another one")
		require.Zero(t, v)
	}
	wrong, err := avroserde.Of[map[string]string](testSchema)
	require.NoError(t, err)
	_, err = wrong.Append(nil, map[string]string{"a": "secret"})
	require.EqualError(t, err, "a map[string]string does not fit the schema")
	_, err = avroserde.Of[test](`{"type":"recor"}`)
	require.ErrorContains(t, err, "the schema of avroserde_test.test")
}

// TestResolvedSchemasReadWhatOthersWrote.
func TestResolvedSchemasReadWhatOthersWrote(t *testing.T) {
	t.Parallel()
	reader := avro.MustParse(`{"type":"record","name":"test","fields":[{"name":"b","type":"string"},{"name":"a","type":"long"},{"name":"c","type":"int","default":7}]}`)
	resolved, err := avro.Resolve(avro.MustParse(testSchema), reader)
	require.NoError(t, err)
	type wider struct {
		A int64  `avro:"a"`
		B string `avro:"b"`
		C int    `avro:"c"`
	}
	v, err := avroserde.For[wider](resolved).Decode([]byte{0x36, 0x06, 0x66, 0x6f, 0x6f})
	require.NoError(t, err)
	require.Equal(t, wider{27, "foo", 7}, v)
}

func FuzzRoundTrip(f *testing.F) {
	s, err := avroserde.Of[test](testSchema)
	require.NoError(f, err)
	f.Add([]byte{0x36, 0x06, 0x66, 0x6f, 0x6f})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := s.Decode(b)
		if err != nil {
			return
		}
		once, err := s.Append(nil, v)
		if err != nil {
			return
		}
		back, err := s.Decode(once)
		if err != nil || back != v {
			t.Fatalf("%x: %v", b, err)
		}
		twice, _ := s.Append(nil, back)
		if !bytes.Equal(once, twice) {
			t.Fatalf("%x and %x", once, twice)
		}
	})
}

func ExampleOf() {
	type user struct {
		Name string `avro:"name"`
	}
	users, err := avroserde.Of[user](`{"type":"record","name":"user","fields":[{"name":"name","type":"string"}]}`)
	if err != nil {
		fmt.Println(err)
	}
	b, _ := users.Append(nil, user{"Ann"})
	u, _ := users.Decode(b)
	fmt.Println(b, u.Name)
	// Output: [6 65 110 110] Ann
}
