package streamshttp_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/streamshttp"
)

// The answer while a store comes back from its changelog.
func ExampleHandler() {
	h := streamshttp.Handler(app{State: streams.StateRestoring, Tasks: []streams.TaskStatus{{
		ID: "0_0", State: streams.TaskRestoring,
		Restore: &streams.RestoreStatus{Store: "counts", Done: 900, Total: 1000, Rate: 50, ETA: 2 * time.Second},
	}}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	fmt.Println(w.Code)
	fmt.Print(w.Body)
	// Output:
	// 503
	// {
	//   "ok": false,
	//   "state": "restoring",
	//   "reason": "1 of 1 tasks restoring",
	//   "tasks": {
	//     "restoring": 1
	//   },
	//   "restoring": [
	//     {
	//       "task": "0_0",
	//       "store": "counts",
	//       "done": 900,
	//       "total": 1000,
	//       "percent": 90,
	//       "bytes": 0,
	//       "records_per_second": 50,
	//       "eta": "2s"
	//     }
	//   ]
	// }
}

// A program with no HTTP server of its own serves its probes beside the job.
func ExampleServe() {
	ctx, stop := context.WithCancel(context.Background())
	stop() // here the job ends at once
	h := streamshttp.Handler(app{State: streams.StateRunning})
	fmt.Println(streamshttp.Serve(ctx, "127.0.0.1:0", h))
	// Output: <nil>
}
