// Package judge decides, from one look at a namespace, which pod may be freed from
// a local volume whose node is gone. It is pure: it reads no clock and no API, and
// the same World gives the same verdicts.
//
// The rule behind all rules: deleting a claim throws local state away. That is safe
// for one pod, because the changelog has it all; it is a disaster for every pod at
// once, because then everything restores at the same time. So a doubt is a no.
package judge
