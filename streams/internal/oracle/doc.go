// Package oracle replays golden vectors that the real Kafka Streams 4.3.1
// produced, record for record, against Millrace's own test driver.
//
// The vectors live beside the project, not in it; where they are absent, as they
// are for users, the test says so and a small set in testdata is run instead.
package oracle
