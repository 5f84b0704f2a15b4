// Package streamshttp answers the questions that an orchestrator asks of an
// application: is it alive (/healthz), has it started (/startupz), does it run all
// its tasks (/readyz), and, where a handler is given, its /metrics.
//
// Nothing listens by itself. Handler makes a plain http.Handler for a server that
// the program has anyway; Serve is a small server for one that has none. It binds
// the loopback interface unless told otherwise.
package streamshttp
