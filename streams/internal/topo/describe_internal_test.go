package topo

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJavaHash against values of String.hashCode, spread as HashMap does.
func TestJavaHash(t *testing.T) {
	t.Parallel()
	for s, code := range map[string]uint32{"": 0, "a": 97, "hello": 99162322, "polygenelubricants": 0x80000000} {
		require.Equal(t, code^code>>16, javaHash(s))
	}
}
