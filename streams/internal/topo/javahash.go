package topo

import (
	"cmp"
	"slices"
	"unicode/utf16"
)

// javaHash is String.hashCode with the spreading of HashMap.
func javaHash(s string) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(unit)
	}
	return h ^ h>>16
}

// The tables of Java's HashMap have at least 16 buckets, and double when they are
// more than three quarters full.
const leastBuckets = 16

// grownBuckets is how many buckets a table has to which n keys were added one by one.
func grownBuckets(n int) uint32 {
	buckets := uint32(leastBuckets)
	for n > int(buckets)/4*3 {
		buckets *= 2
	}
	return buckets
}

// copiedBuckets is the same for a HashSet made of another collection of n keys, which
// is sized in one go, and for 12 times a power of two one size larger.
func copiedBuckets(n int) uint32 {
	wanted := max(int(float32(n)/0.75)+1, leastBuckets)
	buckets := uint32(leastBuckets)
	for int(buckets) < wanted {
		buckets *= 2
	}
	return buckets
}

// hashOrder sorts things as Java's hash tables iterate over their names: by bucket,
// and within one as they were added. A bucket is a list, or a tree that keeps the order
// of the list, so that growing and the turning of lists into trees change nothing.
func hashOrder[T any](things []T, buckets uint32, name func(T) string) {
	slices.SortStableFunc(things, func(a, b T) int {
		return cmp.Compare(javaHash(name(a))&(buckets-1), javaHash(name(b))&(buckets-1))
	})
}

// copiedHashOrder is the order of a HashSet that was made of a HashSet of the names.
func copiedHashOrder(names []string) []string {
	out := slices.Clone(names)
	self := func(s string) string { return s }
	hashOrder(out, grownBuckets(len(out)), self)
	hashOrder(out, copiedBuckets(len(out)), self)
	return out
}
