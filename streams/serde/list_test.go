package serde_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/serde"
)

func ptr[T any](v T) *T { return &v }

func TestListsOfAnyLength(t *testing.T) {
	t.Parallel()
	texts, numbers := serde.List(serde.String), serde.FixedList(serde.Int64, 8)
	for _, list := range [][]*string{{}, {nil}, {nil, nil, nil}, {ptr(""), nil, ptr("a")}} {
		b, err := texts.Append(nil, list)
		require.NoError(t, err)
		same(t, texts, list, b)
	}
	for _, list := range [][]*int64{{}, {nil}, {nil, nil, nil, nil, nil}, {ptr(int64(-1)), nil, ptr(int64(7))}} {
		b, err := numbers.Append(nil, list)
		require.NoError(t, err)
		same(t, numbers, list, b)
	}
}

// Every cut of a list is an error, and so are counts that cannot be.
func TestDamagedListsAreErrors(t *testing.T) {
	t.Parallel()
	text, err := serde.List(serde.String).Append(nil, []*string{ptr("ab"), nil})
	require.NoError(t, err)
	number, err := serde.FixedList(serde.Int32, 4).Append(nil, []*int32{ptr(int32(5)), nil})
	require.NoError(t, err)
	for n := range text {
		_, err := serde.List(serde.String).Decode(text[:n])
		require.Error(t, err, n)
	}
	for n := range number {
		_, err := serde.FixedList(serde.Int32, 4).Decode(number[:n])
		require.Error(t, err, n)
	}
	for _, b := range [][]byte{
		{2, 0, 0, 0, 0}, {1, 255, 255, 255, 255}, {1, 127, 0, 0, 0}, append(text, 0),
		{1, 0, 0, 0, 1, 255, 255, 255, 254},
	} {
		_, err := serde.List(serde.String).Decode(b)
		require.Error(t, err)
	}
	_, err = serde.FixedList(serde.Int32, 4).Decode([]byte{0, 127, 0, 0, 0})
	require.Error(t, err)
	_, err = serde.List(serde.Int64).Decode(text)
	require.ErrorContains(t, err, "an entry of a list")
}

type unwilling struct{ serde.Serde[string] }

func (unwilling) Append([]byte, string) ([]byte, error) { return nil, errors.New("will not") }

func TestListEntryFaults(t *testing.T) {
	t.Parallel()
	_, err := serde.List[string](unwilling{}).Append(nil, []*string{ptr("x")})
	require.ErrorContains(t, err, "will not")
}

func ExampleList() {
	a, b := "a", "b"
	bytes, err := serde.List(serde.String).Append(nil, []*string{&a, nil, &b})
	fmt.Println(bytes, err)
	// Output: [1 0 0 0 3 0 0 0 1 97 255 255 255 255 0 0 0 1 98] <nil>
}

func ExampleFixedList() {
	n := int32(7)
	bytes, err := serde.FixedList(serde.Int32, 4).Append(nil, []*int32{&n, nil})
	fmt.Println(bytes, err)
	// Output: [0 0 0 0 1 0 0 0 1 0 0 0 2 0 0 0 7] <nil>
}
