package record_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/record"
)

func keys(h *record.Headers) (out []string) {
	for _, e := range h.All() {
		out = append(out, e.Key+"="+string(e.Value))
	}
	return out
}

func TestNilHeadersAreEmpty(t *testing.T) {
	t.Parallel()
	var h *record.Headers
	require.Zero(t, h.Len())
	require.Empty(t, h.All())
	_, ok := h.Last("a")
	require.False(t, ok)
	require.Zero(t, h.Clone().Len())
	require.Zero(t, new(record.Headers).From(h).Len())
}

func TestHeadersLastAndSet(t *testing.T) {
	t.Parallel()
	h := record.NewHeaders()
	h.Add("a", []byte("1"))
	h.Add("b", []byte("2"))
	h.Add("a", []byte("3"))
	v, ok := h.Last("a")
	require.True(t, ok)
	require.Equal(t, "3", string(v))
	h.Set("a", []byte("4"))
	require.Equal(t, []string{"b=2", "a=4"}, keys(h))
	h.Remove("b")
	require.Equal(t, []string{"a=4"}, keys(h))
}

// TestFromSeparatesLevels: siblings see what one adds, the level above does not.
func TestFromSeparatesLevels(t *testing.T) {
	t.Parallel()
	source := record.NewHeaders(record.Header{Key: "a", Value: []byte("1")})
	var below record.Headers
	below.From(source).Add("b", []byte("2"))
	require.Equal(t, []string{"a=1"}, keys(source))
	require.Equal(t, []string{"a=1", "b=2"}, keys(&below))

	var beside record.Headers
	beside.From(source).Add("c", []byte("3"))
	require.Equal(t, []string{"a=1", "b=2"}, keys(&below), "two nodes under one do not meet")

	below.Remove("a")
	require.Equal(t, []string{"a=1"}, keys(source), "Remove builds a new list")
}

func TestResetKeepsTheFetchedListWhole(t *testing.T) {
	t.Parallel()
	fetched := []record.Header{{Key: "a"}, {Key: "b"}}
	var h record.Headers
	h.Reset(fetched[:1])
	h.Add("x", nil)
	require.Equal(t, "b", fetched[1].Key)
}

func TestCloneIsApart(t *testing.T) {
	t.Parallel()
	h := record.NewHeaders(record.Header{Key: "a"})
	c := h.Clone()
	h.Add("b", nil)
	require.Equal(t, 1, c.Len())
}

// TestFromCostsNothing is not parallel, because others would be counted.
func TestFromCostsNothing(t *testing.T) {
	source := record.NewHeaders(record.Header{Key: "a"})
	var below record.Headers
	require.Zero(t, testing.AllocsPerRun(100, func() { below.From(source) }))
}

func TestEventTime(t *testing.T) {
	t.Parallel()
	r := record.Record[string, int]{Time: 1_700_000_000_123}
	require.Equal(t, time.Date(2023, 11, 14, 22, 13, 20, 123_000_000, time.UTC), r.EventTime())
}

func ExampleRecord() {
	r := record.Record[string, int]{Key: "u-123", Value: 7, Time: 60_000}
	fmt.Println(r.Key, r.Value, r.EventTime().Format(time.TimeOnly))
	// Output: u-123 7 00:01:00
}

func ExampleHeaders() {
	h := record.NewHeaders(record.Header{Key: "trace", Value: []byte("42")})
	v, ok := h.Last("trace")
	fmt.Println(string(v), ok)
	// Output: 42 true
}

func ExampleSome() {
	left := func(name string, city record.Opt[string]) string {
		if !city.OK {
			return name + " of nowhere"
		}
		return name + " of " + city.V
	}
	fmt.Println(left("Ann", record.Some("Ely")))
	fmt.Println(left("Bob", record.Opt[string]{}))
	// Output:
	// Ann of Ely
	// Bob of nowhere
}
