// Package topo is the untyped graph of a topology: nodes, edges, topics, stores,
// names as Kafka Streams gives them, sub-topologies, and the [Plan] that the
// runtime works from. It knows no types, no clients and no tasks.
package topo
