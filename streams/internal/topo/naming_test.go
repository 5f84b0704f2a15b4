package topo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/topo"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "A-b_c.9", "...", strings.Repeat("x", 249)} {
		require.NoError(t, topo.CheckName(good))
	}
	for bad, why := range map[string]string{
		"":                       "empty",
		".":                      "no name",
		"..":                     "no name",
		"a b":                    "may only have",
		"a/b":                    "may only have",
		"é":                      "may only have",
		strings.Repeat("x", 250): "249 are allowed",
	} {
		require.ErrorContains(t, topo.CheckName(bad), why)
	}
}
