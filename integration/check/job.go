package check

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/serde"
)

// Job is an application under test and its topics. All processes run the same one.
type Job struct {
	App string
	// In has the input. Out has one record for each input that took effect: the
	// group's history at that moment.
	In, Out string
	// Before, if set, is called with each input before it has its effect: a user
	// function that can hang.
	Before func(id string)
}

// The stores of the job.
const (
	StoreGroups   = "groups"
	StoreWindows  = "windows"
	StoreSessions = "sessions"
)

// Groups is the number of groups that inputs fall into, whatever partition they are in.
const Groups = 16

// stores lists them all.
func stores() []string { return []string{StoreGroups, StoreWindows, StoreSessions} }

// Changelog is the topic of one of the job's stores.
func (j Job) Changelog(store string) string { return j.App + "-" + store + "-changelog" }

// Topology goes through a repartition topic into stores of three kinds.
func (j Job) Topology() *streams.Builder {
	b := streams.NewBuilder()
	groups := b.Stream(streams.NewTopic(j.In, serde.String, serde.String)).
		Peek(func(r streams.Record[string, string]) {
			if j.Before != nil {
				j.Before(r.Value)
			}
		}).
		GroupBy(func(_, id string) string { return groupOf(id) }, serde.String)
	groups.Aggregate(func() string { return "" }, History, serde.String, streams.As(StoreGroups), streams.NoCache()).
		ToStream().
		To(streams.NewTopic(j.Out, serde.String, serde.String))
	groups.WindowedBy(streams.Tumbling(time.Minute).Grace(24*time.Hour)).Count(streams.As(StoreWindows), streams.NoCache())
	groups.SessionsBy(streams.SessionGap(time.Minute).Grace(24 * time.Hour)).Count(streams.As(StoreSessions))
	return b
}

// ID is how an input names itself: partition and number within it.
func ID(partition int32, seq int) string { return fmt.Sprintf("%d/%d", partition, seq) }

func groupOf(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	return "g" + strconv.Itoa(int(h.Sum32()%Groups))
}

// History appends an input to what a group has seen: how many, a hash of all in their
// order, and the last one.
func History(_, id, before string) string {
	n, hash, _ := ParseHistory(before)
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %s", hash, id)
	return fmt.Sprintf("%d %x %s", n+1, h.Sum64(), id)
}

// ParseHistory reads what History wrote; empty is the beginning.
func ParseHistory(s string) (n int, hash uint64, last string) {
	parts := strings.Fields(s)
	if len(parts) != 3 {
		return 0, 0, ""
	}
	n, _ = strconv.Atoi(parts[0])
	hash, _ = strconv.ParseUint(parts[1], 16, 64)
	return n, hash, parts[2]
}
