// Package archtest holds the rules of the house as tests: which room may import
// which, where goroutines and clocks may live, how long a file or function may
// be, and that every exported name is documented. It has no code of its own.
//
// A rule that must be bent gets an entry with a reason in rules_test.go.
package archtest
