package streams_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain: an App that ended has left no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
