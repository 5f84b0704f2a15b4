package node_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/node"
)

var errDisk = errors.New("disk")

// shelf is a table of three rows; the key 9 cannot be read.
func shelf(k int) (string, int64, bool, error) {
	rows := map[int]string{1: "one", 2: "two", 3: "three"}
	if k == 9 {
		return "", 0, false, errDisk
	}
	v, ok := rows[k]
	return v, int64(10 * k), ok, nil
}

func TestFilteredLookupHidesRows(t *testing.T) {
	t.Parallel()
	long := func(_ int, v string) bool { return len(v) > 3 }
	for negate, seen := range map[bool][]int{false: {3}, true: {1, 2}} {
		get := node.Converted(shelf, node.FilterRows(long, negate))
		var found []int
		for k := range 5 {
			v, time, ok, err := get(k)
			require.NoError(t, err)
			if ok {
				require.NotEmpty(t, v)
				require.EqualValues(t, 10*k, time)
				found = append(found, k)
			} else {
				require.Empty(t, v, "a hidden row shows nothing")
			}
		}
		require.Equal(t, seen, found)
		_, _, _, err := get(9)
		require.ErrorIs(t, err, errDisk)
	}
}

func TestMappedLookupTakesNilForNoRow(t *testing.T) {
	t.Parallel()
	get := node.Converted(shelf, node.MapRows(func(_ int, v string) *int {
		if v == "two" {
			return nil
		}
		n := len(v)
		return &n
	}))
	n, time, ok, err := get(3)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, 5, *n)
	require.EqualValues(t, 30, time)
	for _, absent := range []int{2, 4} {
		_, _, ok, err = get(absent)
		require.NoError(t, err)
		require.False(t, ok)
	}
	_, _, _, err = get(9)
	require.ErrorIs(t, err, errDisk)
}
