// Package streamsprom shows an application to Prometheus: what it processed,
// skipped and committed, how far it lags, restores and grows.
//
// Everything is read from App.Status when Prometheus asks; nothing is counted
// twice and nothing costs the record path anything. All names begin with
// "millrace_" and carry the application id as the label "application".
package streamsprom
