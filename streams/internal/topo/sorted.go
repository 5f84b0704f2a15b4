package topo

import "slices"

// sortedUnion collects strings from each sub-topology, sorted, without repetition.
func sortedUnion(subs []Subtopology, of func(*Subtopology) []string) []string {
	var all []string
	for i := range subs {
		all = append(all, of(&subs[i])...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
