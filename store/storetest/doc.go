// Package storetest is the conformance suite for engines: whoever implements
// [store.DB] runs it in a test.
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Machine { ... })
//	}
//
// Besides cases by name it runs random programs against a model of sorted maps:
// reads, writes, commits, rollbacks, restores, reopenings and crashes. After a crash
// the DB must stand at one of the commits since the last flush, with exactly that
// commit's data and position. A failing run prints its seed. Package viewtest does the
// same for the typed views over the engine.
package storetest
