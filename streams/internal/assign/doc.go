// Package assign decides who runs which task: a pure function from the members of
// the group, what they run and what state they have, to an assignment. It knows
// no Kafka, no clock and no randomness, so that every member would decide alike.
package assign
