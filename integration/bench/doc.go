// Command bench measures Millrace with the workloads of the JVM peer's benchmark,
// on the same topics of the same broker, and prints the same JSON line for each.
//
//	go run ./integration/bench compare            Millrace and the peer in turns, all workloads
//	go run ./integration/bench compare count map  only these
//	go run ./integration/bench run count          one workload of Millrace, one line
//	go run ./integration/bench restore            restoring, beside the peer and the limits
//	go run ./integration/bench latency            send to receipt at a fixed rate
//	go run ./integration/bench limits             what the client and the store can do at most
//	go run ./integration/bench load               the input topics, without the peer's loader
//
// Without -brokers it starts the peer's broker, which needs a JDK, Maven and the
// peer's folder (-peer). Where that is absent it says so and measures Millrace alone
// on the broker it was given. Everything talks to one broker on the same machine, so
// what is compared is CPU per record; wall-clock rates move with the machine.
//
// How to read the results is in RESULTS.md.
package main
