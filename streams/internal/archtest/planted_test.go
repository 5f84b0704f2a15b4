package archtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRulesFindPlantedFaults: a rule that cannot fail holds nothing.
func TestRulesFindPlantedFaults(t *testing.T) {
	t.Parallel()
	long := "package p\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", maxFunction) + "}\n"
	for _, c := range []struct {
		fault, file, text string
		rule              rule
	}{
		{"upward import", "store/a.go", `package store; import _ "` + module + `changelog"`, followsTheLadder},
		{"sideways import", "store/memstore/a.go", `package memstore; import _ "` + module + `store/pebblestore"`, followsTheLadder},
		{"unknown room", "streams/attic/a.go", `package attic`, followsTheLadder},
		{"pebble elsewhere", "streams/a.go", `package streams; import _ "github.com/cockroachdb/pebble/v2"`, heavyInOneRoom},
		{"prometheus elsewhere", "streams/a.go", `package streams; import _ "github.com/prometheus/client_golang/prometheus"`, heavyInOneRoom},
		{"goroutine", "streams/internal/task/a.go", `package task; func f() { go f() }`, passive},
		{"clock", "streams/internal/task/a.go", `package task; import "time"; func f() { time.Now() }`, clockless},
		{"sleep in a test", "store/a_test.go", `package store; import "time"; func f() { time.Sleep(1) }`, noSleepNoPanic},
		{"panic", "store/a.go", `package store; func f() { panic(1) }`, noSleepNoPanic},
		{"long function", "store/a.go", long, rightSize},
		{"long file", "store/a.go", "package p\n" + strings.Repeat("\n", maxFile), rightSize},
		{"drawer", "store/util/a.go", `package util`, tellingNames},
		{"init", "store/a.go", `package store; func init() {}`, tellingNames},
		{"global", "store/a.go", `package store; var cache = map[string]int{}`, noMutableGlobals},
		{"bare global", "store/a.go", `package store; var n int`, noMutableGlobals},
		{"bare export", "store/a.go", `package store; func Open() {}`, documented},
		{"bare type", "store/a.go", `package store; type DB struct{}`, documented},
		{"bare method", "store/a.go", `package store; type db struct{}; func (d *DB[K]) Get() {}`, documented},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, c.rule(parse(t, c.file, c.text)))
		})
	}
	require.NotEmpty(t, reachesOut(listed{Deps: []string{"github.com/twmb/franz-go/pkg/kgo"}}))
	require.NotEmpty(t, reachesOut(listed{Imports: []string{"os"}}))
}
