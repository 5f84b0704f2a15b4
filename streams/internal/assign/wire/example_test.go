package wire_test

import (
	"fmt"

	"github.com/millrace/millrace/streams/internal/assign/wire"
	"github.com/millrace/millrace/streams/internal/topo"
)

func ExampleAssignment() {
	a := wire.Assignment{Version: wire.Latest, Common: wire.Latest, Active: []topo.TaskID{{Partition: 3}}, NextRebalance: wire.NoRebalance}
	data, _ := a.Encode()
	back, err := wire.DecodeAssignment(data)
	fmt.Println(back.Active, back.ErrorCode, err)
	// Output: [0_3] 0 <nil>
}

func ExampleSubscription() {
	s := wire.Subscription{Version: wire.Latest, Latest: wire.Latest, Offsets: map[topo.TaskID]int64{{Partition: 3}: wire.Running}}
	data, _ := s.Encode()
	back, err := wire.DecodeSubscription(data)
	fmt.Println(back.Offsets, err)
	// Output: map[0_3:-2] <nil>
}
