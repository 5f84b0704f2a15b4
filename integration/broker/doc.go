// Package broker gives the integration tests a Kafka: a container, one that is
// running anyway, or the broker in the process, as MILLRACE_TEST_BROKER says.
//
//	unset       a container if a Docker daemon answers and an image can be had,
//	            else the broker in the process
//	container   a container; without Docker or image it is an error
//	embedded    the broker in the process
//	host:port   that broker; several addresses are separated by commas
//
// MILLRACE_KAFKA_VERSION is the container's version (default 4.3.1), and
// MILLRACE_KAFKA_IMAGE its image, where neither a locally built millrace/kafka nor
// a public image of that version is wanted.
package broker
