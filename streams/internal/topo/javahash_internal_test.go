package topo

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJavaHash against values of String.hashCode, spread as HashMap does.
func TestJavaHash(t *testing.T) {
	t.Parallel()
	for s, code := range map[string]uint32{
		"": 0, "a": 97, "hello": 99162322, "polygenelubricants": 0x80000000, "é": 233, "😀": 1772899,
	} {
		require.Equal(t, code^code>>16, javaHash(s), s)
	}
}

// TestBuckets: tables double when they have more than three quarters of their size,
// and copies are sized for what they get, generously.
func TestBuckets(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]uint32{0: 16, 12: 16, 13: 32, 24: 32, 25: 64} {
		require.Equal(t, want, grownBuckets(n), n)
	}
	for n, want := range map[int]uint32{0: 16, 11: 16, 12: 32, 23: 32, 24: 64} {
		require.Equal(t, want, copiedBuckets(n), n)
	}
}

// TestHashOrder: the order in which a JVM prints new HashSet<>(set) of these names.
func TestHashOrder(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 14 {
		names = append(names, fmt.Sprintf("topic-%d", i))
	}
	const jvm = "[topic-6 topic-7 topic-8 topic-9 topic-0 topic-1 topic-2 topic-3 topic-10 topic-4 topic-11 topic-5 topic-12 topic-13]"
	require.Equal(t, jvm, fmt.Sprint(copiedHashOrder(names)))
	require.Equal(t, "[Aa BB]", fmt.Sprint(copiedHashOrder([]string{"Aa", "BB"})), "they collide")
	require.Equal(t, "[BB Aa]", fmt.Sprint(copiedHashOrder([]string{"BB", "Aa"})))
}
