// Package assign decides who runs which task: a pure function from the members of
// the group, what they run and what state they have, to an assignment. It knows
// no Kafka, no clock and no randomness, so that every member would decide alike.
//
// It goes in three steps, a file each:
//
//  1. ideal: even shares in every respect, with as many tasks as possible left where
//     they run, and the others where most of their state is: a flow of least cost;
//  2. settle: a task whose ideal owner lacks its state runs where the state is, and
//     the ideal owner gets a copy to warm up (KIP-441);
//  3. standby: further copies, on other processes and in other racks (KIP-708).
package assign
