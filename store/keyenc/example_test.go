package keyenc_test

import (
	"fmt"

	"github.com/millrace/millrace/store/keyenc"
)

func ExampleAppendWindow() {
	local := keyenc.AppendWindow(nil, 3, []byte("k"), 180_000, 0)
	key, w, err := keyenc.SplitWindow(nil, local)
	fmt.Printf("%x\n%s in segment %d from %d, %v\n", local, key, w.Segment, w.Start, err)
	// Output:
	// 80000000000000036b0001800000000002bf2000000000
	// k in segment 3 from 180000, <nil>
}

func ExampleSession() {
	local := keyenc.AppendSession(nil, 3, []byte("k"), 180_000, 190_000)
	_, s, _ := keyenc.SplitSession(nil, local)
	fmt.Println(s)
	// Output: {3 180000 190000}
}

func ExampleWindow() {
	_, w, _ := keyenc.SplitWindow(nil, keyenc.AppendWindow(nil, 0, []byte("k"), 10, 0))
	fmt.Println(w)
	// Output: {0 10 0}
}
