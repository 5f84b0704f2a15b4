package cached_test

import "flag"

// The flag of the conformance suite: go test ./store/... -run Conformance -seeds 2000
// gives it to every package.
var _ = flag.Int("seeds", 0, "random programs of the conformance suite; 0: a few")
