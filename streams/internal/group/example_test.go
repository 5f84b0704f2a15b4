package group_test

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/group"
)

func ExampleNew() {
	balancer := group.New(group.Options{
		Plan:         plan(),
		ProcessID:    uuid.New(),
		OnAssignment: func(a group.Assignment) { fmt.Println(len(a.Active), "tasks") },
	})
	client, err := kgo.NewClient(
		kgo.ConsumerGroup("app"),
		kgo.ConsumeTopics(plan().SourceTopics()...),
		kgo.Balancers(balancer),
		kgo.SeedBrokers("127.0.0.1:1"), // nothing is there, nothing happens
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Println(balancer.ProtocolName(), balancer.IsCooperative())
	// Output: stream true
}
