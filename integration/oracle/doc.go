// Package oracle replays golden vectors, which the real Kafka Streams 4.3.1
// produced, over the public DSL and the test driver, and compares everything that
// they tell: outputs and errors, stores and dropped records, internal topics and the
// topology, the bytes of changelogs and repartition topics, and the description.
//
//	MILLRACE_ORACLE=DIR[,DIR...] go test ./integration/oracle -run TestVectors -v
//
// runs every *.json and *.jsonl under those directories. Without the variable it runs
// the vectors that live beside the project, or where those are absent, as they are
// for users, a few hundred in testdata. No broker is needed.
package oracle
