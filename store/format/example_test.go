package format_test

import (
	"fmt"

	"github.com/millrace/millrace/store/format"
	"github.com/millrace/millrace/streams/serde"
)

func ExampleAppendChange() {
	b, _ := format.AppendChange(nil, []byte("g1:1"), []byte("g1:3"))
	old, new, err := format.ParseChange(b)
	fmt.Printf("%x %s -> %s %v\n", b, old, new, err)
	// Output: 0867313a3367313a3102 g1:1 -> g1:3 <nil>
}

func ExampleSubscription() {
	b := format.AppendSubscription(nil, format.Subscription{
		Version: 1, Instruction: format.DeleteSilently, PrimaryKey: []byte("o2"), PrimaryPartition: 0,
	})
	fmt.Printf("%x\n", b)
	// Output: 81006f3200000000
}

func ExampleInstruction() {
	s, err := format.ParseSubscription([]byte("\x81\x02o2\x00\x00\x00\x00"))
	fmt.Println(s.Instruction == format.AnswerAlways, err)
	// Output: true <nil>
}

func ExampleResponse() {
	b := format.AppendResponse(nil, format.Response{Value: []byte("Ann")})
	fmt.Printf("%x\n", b)
	// Output: 80416e6e
}

func ExampleHash() {
	h := format.HashOf([]byte("c1:5"))
	fmt.Printf("%x %x\n", h.H0, h.H1)
	// Output: 478106ee9eb8f519 f411d477d8660b85
}

func ExampleContext() {
	b := format.AppendContext(nil, format.Context{Time: 1, Offset: 2, Topic: "in", Partition: 3})
	c, err := format.ParseContext(b)
	fmt.Println(c.Topic, c.Partition, c.Offset, err)
	// Output: in 3 2 <nil>
}

func ExampleBufferRow() {
	b := format.AppendBufferRow(nil, format.BufferRow{Prior: []byte("p"), Old: []byte("p"), New: []byte("n"), Time: 7})
	row, err := format.ParseBufferRow(b)
	fmt.Println(string(row.Old), string(row.New), row.Time, err)
	// Output: p n 7 <nil>
}

func ExampleJoinKey() {
	b, _ := format.JoinKeys(serde.String).Append(nil, format.JoinKey[string]{Time: 1, Left: true, Key: "a"})
	fmt.Printf("%x\n", b)
	// Output: 00000000000000010161
}

func ExampleSided() {
	b, _ := format.SidedValues(serde.String, serde.String).Append(nil, format.Sided[string, string]{Right: "R1"})
	fmt.Printf("%x\n", b)
	// Output: 005231
}

func ExampleOffsets() {
	o, err := format.ParsePosition([]byte("\x00\x00\x00\x00\x01\x00\x00\x00\x01t\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05"))
	fmt.Println(o["t"][0], err)
	// Output: 5 <nil>
}
