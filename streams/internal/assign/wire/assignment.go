package wire

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/millrace/millrace/streams/internal/topo"
)

// NoRebalance is NextRebalance when there is nothing to do.
const NoRebalance int64 = math.MaxInt64

// Assignment is what the leader tells a member besides its partitions.
type Assignment struct {
	// Version is that of the bytes; Common the newest that all members can read.
	Version, Common int32
	// Active has one task for each assigned partition, in the order of the
	// partitions by topic and number: a task with two topics appears twice.
	Active []topo.TaskID
	// Standby has the source partitions of each standby task.
	Standby map[topo.TaskID][]Partition
	// ByHost says which source partitions are active at each endpoint of the
	// application; StandbyByHost where they have standbys.
	ByHost, StandbyByHost map[Host][]Partition
	// ErrorCode tells the member to stop if it is not OK.
	ErrorCode int32
	// NextRebalance is when to rejoin, ms since the epoch; 0 is at once.
	NextRebalance int64
}

// Partition is one partition of a topic.
type Partition struct {
	Topic     string
	Partition int32
}

// Compare orders partitions by topic, then number.
func (p Partition) Compare(o Partition) int {
	return cmp.Or(cmp.Compare(p.Topic, o.Topic), cmp.Compare(p.Partition, o.Partition))
}

// Host is an endpoint for queries.
type Host struct {
	Name string
	Port int32
}

// compare orders hosts, so that equal maps have equal bytes.
func (h Host) compare(o Host) int {
	return cmp.Or(cmp.Compare(h.Name, o.Name), cmp.Compare(h.Port, o.Port))
}

// Encode writes the version that the Assignment says. Equal assignments have
// equal bytes.
func (a *Assignment) Encode() ([]byte, error) {
	if a.Version < 1 || a.Version > Latest {
		return nil, fmt.Errorf("assignment version %d is not between 1 and %d", a.Version, Latest)
	}
	w := &writer{}
	w.i32(a.Version)
	if a.Version >= 3 {
		w.i32(a.Common)
	}
	w.count(len(a.Active))
	for _, id := range a.Active {
		a.writeTask(w, id)
	}
	a.writeStandby(w)
	a.writeHosts(w)
	if a.Version >= 4 {
		w.i32(a.ErrorCode)
	}
	if a.Version >= 7 {
		w.i64(a.NextRebalance)
	}
	return w.done()
}

// writeTask writes the name of a topology from version 10 on, always empty: only an
// experimental interface of the JVM ever had one.
func (a *Assignment) writeTask(w *writer, id topo.TaskID) {
	w.task(id)
	if a.Version >= 10 {
		w.count(0) // no named topology
	}
}

// writeStandby writes topics by name in every version; only hosts use the dictionary.
func (a *Assignment) writeStandby(w *writer) {
	w.count(len(a.Standby))
	for _, id := range slices.SortedFunc(maps.Keys(a.Standby), topo.TaskID.Compare) {
		a.writeTask(w, id)
		writePartitions(w, a.Standby[id], w.utf)
	}
}

// writePartitions leaves it to name how a topic is written.
func writePartitions(w *writer, parts []Partition, name func(topic string)) {
	w.count(len(parts))
	for _, p := range parts {
		name(p.Topic)
		w.i32(p.Partition)
	}
}

// writeHosts writes the host maps; from version 5 on with a dictionary of topics
// before them.
func (a *Assignment) writeHosts(w *writer) {
	if a.Version < 2 {
		return
	}
	name := w.utf
	if a.Version >= 5 {
		index := a.dictionary(w)
		name = func(topic string) { w.i32(index[topic]) }
	}
	writeHostMap(w, a.ByHost, name)
	if a.Version >= 6 {
		writeHostMap(w, a.StandbyByHost, name)
	}
}

// dictionary numbers the topics of both host maps in alphabetical order. The JVM
// numbers them in the order of a hash map; readers do not mind.
func (a *Assignment) dictionary(w *writer) map[string]int32 {
	index := make(map[string]int32)
	for _, byHost := range []map[Host][]Partition{a.ByHost, a.StandbyByHost} {
		for _, parts := range byHost {
			for _, p := range parts {
				index[p.Topic] = 0
			}
		}
	}
	w.count(len(index))
	for i, topic := range slices.Sorted(maps.Keys(index)) {
		index[topic] = int32(i)
		w.i32(int32(i))
		w.utf(topic)
	}
	return index
}

// writeHostMap writes hosts in order.
func writeHostMap(w *writer, byHost map[Host][]Partition, name func(string)) {
	w.count(len(byHost))
	for _, h := range slices.SortedFunc(maps.Keys(byHost), Host.compare) {
		w.utf(h.Name)
		w.i32(h.Port)
		writePartitions(w, byHost[h], name)
	}
}

// DecodeAssignment reads what Encode or a JVM wrote. Nothing in the result
// aliases b.
func DecodeAssignment(b []byte) (Assignment, error) {
	r := newReader(b)
	a := Assignment{Version: r.i32(), Common: unknownVersion, NextRebalance: NoRebalance}
	if r.err == nil && (a.Version < 1 || a.Version > Latest) {
		r.fail("assignment version %d; this program understands 1 to %d", a.Version, Latest)
	}
	if a.Version >= 3 {
		a.Common = r.i32()
	}
	for range r.count(8) {
		a.Active = append(a.Active, a.readTask(r))
	}
	a.readStandby(r)
	a.readHosts(r)
	if a.Version >= 4 {
		a.ErrorCode = r.i32()
	}
	if a.Version >= 7 {
		a.NextRebalance = r.i64()
	}
	if r.err != nil {
		return Assignment{}, fmt.Errorf("assignment: %w", r.err)
	}
	return a, nil
}

// readTask skips the name of a topology.
func (a *Assignment) readTask(r *reader) topo.TaskID {
	id := r.task()
	if a.Version >= 10 {
		r.next(2 * r.count(2)) // the name of a topology: never ours
	}
	return id
}

// readStandby reads what writeStandby or a JVM wrote.
func (a *Assignment) readStandby(r *reader) {
	a.Standby = make(map[topo.TaskID][]Partition)
	for range r.count(12) {
		id := a.readTask(r)
		a.Standby[id] = readPartitions(r, 6, r.utf)
	}
}

// readPartitions leaves it to name how a topic is read; each entry has at least so
// many bytes.
func readPartitions(r *reader, atLeast int, name func() string) (parts []Partition) {
	for range r.count(atLeast) {
		parts = append(parts, Partition{name(), r.i32()})
	}
	return parts
}

// readHosts reads the host maps that the version has.
func (a *Assignment) readHosts(r *reader) {
	if a.Version < 2 {
		return
	}
	name, atLeast := r.utf, 6
	if a.Version >= 5 {
		name, atLeast = readDictionary(r), 8
	}
	a.ByHost = readHostMap(r, atLeast, name)
	if a.Version >= 6 {
		a.StandbyByHost = readHostMap(r, atLeast, name)
	}
}

// readDictionary returns how to read a topic by its index.
func readDictionary(r *reader) func() string {
	topics := make(map[int32]string)
	for range r.count(6) {
		i := r.i32()
		topics[i] = r.utf()
	}
	return func() string {
		i := r.i32()
		topic, ok := topics[i]
		if !ok {
			r.fail("topic %d is not in the dictionary", i)
		}
		return topic
	}
}

// readHostMap reads one host map. A host that comes twice counts once.
func readHostMap(r *reader, atLeast int, name func() string) map[Host][]Partition {
	out := make(map[Host][]Partition)
	for range r.count(10) {
		h := Host{r.utf(), r.i32()}
		out[h] = readPartitions(r, atLeast, name)
	}
	return out
}
