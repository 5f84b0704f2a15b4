package archtest

// module is the import path prefix of everything in this house.
const module = "github.com/millrace/millrace/"

// ladder is the order of the rooms: a package may import only rooms on a lower
// rung, never one on its own or a higher rung. Rooms that share a rung do not
// know each other.
var ladder = [][]string{
	{"streams/record"},
	{"streams/serde"},
	{"streams/aggregate"},
	{"store/keyenc", "store/format"},
	{"store"},
	{"store/memstore", "store/pebblestore", "store/cached"},
	{"changelog"},
	{"store/storetest"},
	{"streams/internal/async"},
	{"streams/internal/topo", "streams/internal/node"},
	{"streams/internal/task"},
	{"streams/internal/assign", "streams/internal/client"},
	{"streams/internal/assign/wire"},
	{"streams/internal/group", "streams/internal/txn", "streams/internal/restore", "streams/internal/topics", "streams/internal/statedir", "streams/internal/seam"},
	{"streams/internal/worker", "streams/internal/global"},
	{"streams/internal/poller"},
	{"streams"},
	{"streams/streamstest", "streams/streamsprom", "streams/streamshttp", "streams/embedded"},
	{"integration", "examples"},
	{"streams/internal/sim"},
}

// onlyIn lists modules that exactly one room may import outside tests.
var onlyIn = map[string]string{
	"github.com/cockroachdb/pebble":          "store/pebblestore",
	"github.com/prometheus/client_golang":    "streams/streamsprom",
	"github.com/twmb/franz-go/pkg/kfake":     "streams/embedded",
	"github.com/axiomhq/hyperloglog":         "streams/aggregate",
	"github.com/gofrs/flock":                 "streams/internal/statedir",
	"github.com/testcontainers":              "integration",
	"github.com/stretchr/testify":            "store/storetest",
	"github.com/twmb/franz-go/pkg/sasl":      "streams/internal/client",
	"github.com/cockroachdb/datadriven":      "-",
	"go.uber.org/goleak":                     "-",
	"github.com/twmb/franz-go/pkg/kversion":  "streams/internal/client",
	"github.com/twmb/franz-go/plugin":        "-",
	"github.com/testcontainers/modules/ryuk": "-",
}

// pure rooms hold logic only: no Kafka client may be reachable from them, they
// do not touch files or sockets, start no goroutine and read no clock.
var pure = []string{
	"streams/serde", "streams/record", "streams/aggregate", "store/keyenc", "store/format", "store", "store/cached", "changelog",
	"streams/internal/topo", "streams/internal/node", "streams/internal/task", "streams/internal/assign",
}

// goroutineRooms may contain go statements; everything else is passive.
var goroutineRooms = map[string]string{
	"streams/internal/poller":  "the one consumer of the process",
	"streams/internal/async":   "calls beside a task, of MapAsync",
	"streams/internal/worker":  "the loop of each worker",
	"streams/internal/restore": "restoring beside the processing path",
	"streams/streamshttp":      "the HTTP server",
	"streams":                  "App.Run starts and joins the others",
	"streams/embedded":         "the in-process broker",
	"store/pebblestore":        "flushes in the background",
	"integration":              "tests of whole processes",
	"examples":                 "programs",
}

// longFunctions may exceed maxFunction lines, each for its reason.
var longFunctions = map[string]string{}

const (
	maxFile     = 700
	maxFunction = 90
)

// badNames are package names that say nothing about what is inside.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "types", "base", "misc", "shared"}
