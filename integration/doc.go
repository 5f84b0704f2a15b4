// Package integration runs whole applications against a Kafka, as processes and as
// parts of this one. Which Kafka is the business of package broker; the suite says
// it in its first line.
package integration
