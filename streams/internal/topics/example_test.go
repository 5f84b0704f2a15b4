package topics_test

import (
	"fmt"

	"github.com/millrace/millrace/streams/internal/topics"
	"github.com/millrace/millrace/streams/internal/topo"
)

func ExamplePartitions() {
	plan := &topo.Plan{Subtopologies: []topo.Subtopology{{Copartitioned: [][]string{{"orders", "users"}}}}}
	_, err := topics.Partitions(plan, topics.Counts{"orders": 6, "users": 4})
	fmt.Println(err)
	// Output: topics that are joined must have equal partition counts: orders has 6 partitions, users has 4 partitions; recreate one of them, or put a Repartition before the join with the other's count
}
