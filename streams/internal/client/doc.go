// Package client is the one place that builds Kafka clients, so that the
// consumer, the producers, restoring and administration all connect, encrypt and
// authenticate alike. It also turns the ways in which connecting fails into one
// line each: what happened and what to do about it.
package client
