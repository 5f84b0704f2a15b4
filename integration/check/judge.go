package check

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Judge finds everything that is wrong. No finding is the verdict exactly-once.
func Judge(e Evidence) []Finding {
	j := &judge{Evidence: e}
	j.outputs()
	j.changelogs()
	j.offsets()
	j.transactions()
	j.dumps()
	return j.found
}

// few bounds how many findings of a name are told; the first ones say enough.
const few = 5

type judge struct {
	Evidence
	found  []Finding
	counts map[string]int
}

func (j *judge) find(name, format string, args ...any) {
	if j.counts == nil {
		j.counts = make(map[string]int)
	}
	if j.counts[name]++; j.counts[name] <= few {
		j.found = append(j.found, Finding{name, fmt.Sprintf(format, args...)})
	}
}

// outputs follows each group's history through the output topic, and each input.
func (j *judge) outputs() {
	effects := make(map[string]int)
	histories := make(map[string]string)
	latest := make(map[string]int) // by group and input partition
	for _, r := range j.Outputs {
		_, _, id := ParseHistory(string(r.Value))
		effects[id]++
		if want := History("", id, histories[r.Key]); want != string(r.Value) {
			j.find("aborted-visible", "output %d/%d of group %s says %q and does not follow %q", r.Partition, r.Offset, r.Key, r.Value, histories[r.Key])
		}
		histories[r.Key] = string(r.Value)
		j.order(latest, r, id)
	}
	passed := j.passed()
	for _, in := range j.Inputs {
		switch n := effects[string(in.Value)]; {
		case n > 1:
			j.find("duplicate", "input %s has %d outputs", in.Value, n)
		case n == 0 && passed:
			j.find("lost", "input %s at %d/%d has no output, and all of it is committed", in.Value, in.Partition, in.Offset)
		case n == 0:
			j.find("unseen", "input %s at %d/%d", in.Value, in.Partition, in.Offset)
		}
		delete(effects, string(in.Value))
	}
	for id := range effects {
		j.find("aborted-visible", "an output of input %q, which there was not", id)
	}
}

// order: within a group, inputs of one partition keep theirs.
func (j *judge) order(latest map[string]int, r Record, id string) {
	partition, number, _ := strings.Cut(id, "/")
	seq, _ := strconv.Atoi(number)
	from := r.Key + " " + partition
	if before, ok := latest[from]; ok && seq < before {
		j.find("reordered", "group %s has input %s after %s/%d", r.Key, id, partition, before)
	}
	latest[from] = max(seq, latest[from])
}

// passed reports whether all there is has been committed, so that what has no effect
// by now never will have one.
func (j *judge) passed() bool {
	for p, b := range j.Ends {
		if j.Committed[p] < b.Data || b.Stable < b.End {
			return false
		}
	}
	return true
}

// changelogs compares what they fold to with the last outputs and with the input.
func (j *judge) changelogs() {
	last := make(map[string]string)
	for _, r := range j.Outputs {
		last[r.Key] = string(r.Value)
	}
	groups := Fold(j.Changelogs[StoreGroups])
	for group, history := range last {
		if got := string(groups[group]); got != history {
			j.find("torn", "group %s ends with the output %q, its changelog with %q", group, history, got)
		}
	}
	for group, value := range groups {
		if _, ok := last[group]; !ok {
			j.find("torn", "group %s is %q in the changelog and has no output", group, value)
		}
	}
	want := make(map[string]int64)
	for _, in := range j.Inputs {
		want[groupOf(string(in.Value))]++
	}
	j.against(want, StoreGroups, groupCounts(groups))
	j.against(want, StoreWindows, sums(Fold(j.Changelogs[StoreWindows])))
	j.against(want, StoreSessions, sums(Fold(j.Changelogs[StoreSessions])))
}

func (j *judge) against(want map[string]int64, store string, got map[string]int64) {
	for group, n := range want {
		if got[group] != n {
			j.find("state!=model", "%s has %d of group %s, the input %d", store, got[group], group, n)
		}
	}
}

// Fold is the last value of each key.
func Fold(changelog []Record) map[string][]byte {
	out := make(map[string][]byte)
	for _, r := range changelog {
		if r.Value == nil {
			delete(out, r.Key)
		} else {
			out[r.Key] = r.Value
		}
	}
	return out
}

func groupCounts(groups map[string][]byte) map[string]int64 {
	out := make(map[string]int64)
	for group, history := range groups {
		n, _, _ := ParseHistory(string(history))
		out[group] = int64(n)
	}
	return out
}

// sums adds up the counts of a group's windows; their keys begin with the group, and
// what follows is no digit.
func sums(windows map[string][]byte) map[string]int64 {
	out := make(map[string]int64)
	for key, value := range windows {
		end := 1
		for end < len(key) && key[end] >= '0' && key[end] <= '9' {
			end++
		}
		if len(value) >= 8 {
			out[key[:end]] += int64(binary.BigEndian.Uint64(value[len(value)-8:]))
		}
	}
	return out
}

// offsets: all that can be read is processed and committed, and not more.
func (j *judge) offsets() {
	for p, b := range j.Ends {
		switch at := j.Committed[p]; {
		case at > b.End:
			j.find("offset-ahead", "%s/%d is committed to %d and ends at %d", p.Topic, p.Partition, at, b.End)
		case at < b.Data:
			j.find("offset-behind", "%s/%d is committed to %d and ends at %d", p.Topic, p.Partition, at, b.Data)
		}
		if b.Stable < b.End {
			j.find("LSO-stuck", "%s/%d can be read to %d and ends at %d", p.Topic, p.Partition, b.Stable, b.End)
		}
	}
}

func (j *judge) transactions() {
	slices.Sort(j.Open)
	for _, id := range j.Open {
		j.find("open-transaction", "%s", id)
	}
}

// dumps: a store is what its changelog folds to, up to the store's own position.
func (j *judge) dumps() {
	for _, d := range j.Dumps {
		var seen []Record
		for _, r := range j.Changelogs[d.Store] {
			if r.Partition == d.Partition && r.Offset < d.Position {
				seen = append(seen, r)
			}
		}
		diff, err := d.Same(seen)
		switch {
		case err != nil:
			j.find("state!=changelog", "%s of task %d in %s: %v", d.Store, d.Partition, d.Where, err)
		case diff != "":
			j.find("state!=changelog", "%s of task %d in %s at %d: %s", d.Store, d.Partition, d.Where, d.Position, diff)
		}
	}
}
