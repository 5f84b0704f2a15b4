// Package sim runs whole exactly-once applications on a broker in the process, over a
// virtual network, on disks in memory and in virtual time, and breaks all of them by a
// seed: replies are lost before or after the request was carried out, processes crash
// with any part of their unsynced data, stop for longer than their session and their
// transaction, brokers move leaders and coordinators. Afterwards package check judges.
//
//	go test -tags synctests ./streams/internal/sim -seeds 200
//	go test -tags synctests ./streams/internal/sim -run Seeds -first 17 -seeds 1 -v
//
// The tag makes the Kafka client's locks known to testing/synctest. All of the package
// is tests. A seed that found a bug is kept in testdata/regress/seeds.
package sim
