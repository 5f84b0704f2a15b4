package check

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// perfect is the evidence of a run without a fault.
func perfect() Evidence {
	e := Evidence{
		Changelogs: map[string][]Record{}, Committed: map[Partition]int64{}, Ends: map[Partition]Bounds{},
	}
	histories, counts := map[string]string{}, map[string]int64{}
	for seq := range 40 {
		for p := range int32(2) {
			id := ID(p, seq)
			e.Inputs = append(e.Inputs, Record{p, int64(seq), "k", []byte(id)})
			g := groupOf(id)
			histories[g] = History("", id, histories[g])
			counts[g]++
			at := int64(len(e.Outputs))
			e.Outputs = append(e.Outputs, Record{0, at, g, []byte(histories[g])})
			e.Changelogs[StoreGroups] = append(e.Changelogs[StoreGroups], Record{0, at, g, []byte(histories[g])})
			n := binary.BigEndian.AppendUint64(nil, uint64(counts[g]))
			e.Changelogs[StoreWindows] = append(e.Changelogs[StoreWindows], Record{0, at, g + "\x00w", n})
			e.Changelogs[StoreSessions] = append(e.Changelogs[StoreSessions], Record{0, at, g + "\x00s", n})
		}
	}
	for p := range int32(2) {
		e.Committed[Partition{"in", p}] = 40
		e.Ends[Partition{"in", p}] = Bounds{41, 41, 40}
	}
	e.Dumps = []Dump{{Store: StoreGroups, Position: 80, Where: "disk", Same: func(seen []Record) (string, error) {
		if len(seen) != 80 {
			return fmt.Sprint(len(seen), " records"), nil
		}
		return "", nil
	}}}
	return e
}

func TestPerfect(t *testing.T) {
	t.Parallel()
	require.Empty(t, Judge(perfect()))
}

// TestEachFaultHasItsName plants every fault of the list into what a perfect run has
// left.
func TestEachFaultHasItsName(t *testing.T) {
	t.Parallel()
	in := Partition{"in", 0}
	for name, plant := range map[string]func(*Evidence){
		"lost":   func(e *Evidence) { e.Outputs = e.Outputs[:79] },
		"unseen": func(e *Evidence) { e.Outputs = e.Outputs[:79]; e.Committed[in] = 39 },
		"duplicate": func(e *Evidence) {
			again := e.Outputs[79]
			_, _, id := ParseHistory(string(again.Value))
			again.Value = []byte(History("", id, string(again.Value)))
			e.Outputs = append(e.Outputs, again)
		},
		"aborted-visible": func(e *Evidence) { e.Outputs[50].Value = []byte(History("", ID(7, 7), "")) },
		"torn":            func(e *Evidence) { e.Changelogs[StoreGroups] = e.Changelogs[StoreGroups][:79] },
		"reordered":       reorder,
		"state!=model":    func(e *Evidence) { e.Changelogs[StoreWindows] = e.Changelogs[StoreWindows][:79] },
		"state!=changelog": func(e *Evidence) {
			e.Dumps[0].Position = 70 // and it has what comes after
		},
		"offset-ahead":     func(e *Evidence) { e.Committed[in] = 50 },
		"offset-behind":    func(e *Evidence) { e.Committed[in] = 39 },
		"open-transaction": func(e *Evidence) { e.Open = []string{"app-1 is Ongoing"} },
		"LSO-stuck":        func(e *Evidence) { e.Ends[in] = Bounds{41, 39, 39} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := perfect()
			plant(&e)
			require.Contains(t, names(Judge(e)), name)
		})
	}
}

// reorder makes a group see the inputs of one partition in another order, with a
// history that is true to it.
func reorder(e *Evidence) {
	group, at := e.Outputs[0].Key, []int{}
	for i, r := range e.Outputs {
		if r.Key == group {
			at = append(at, i)
		}
	}
	ids := make([]string, len(at))
	for i, n := range at {
		_, _, ids[i] = ParseHistory(string(e.Outputs[n].Value))
	}
	slices.Reverse(ids)
	history := ""
	for i, n := range at {
		history = History("", ids[i], history)
		e.Outputs[n].Value = []byte(history)
	}
}

func names(found []Finding) (out []string) {
	for _, f := range found {
		out = append(out, f.Name)
	}
	return out
}

// TestDumpThatCannotBeRead is a finding, not a pass.
func TestDumpThatCannotBeRead(t *testing.T) {
	t.Parallel()
	e := perfect()
	e.Dumps[0].Same = func([]Record) (string, error) { return "", errors.New("corrupt") }
	require.Equal(t, []string{"state!=changelog"}, names(Judge(e)))
	require.ErrorContains(t, errors.New(Judge(e)[0].String()), "corrupt")
}

func TestHistory(t *testing.T) {
	t.Parallel()
	h := History("", "0/1", "")
	n, hash, last := ParseHistory(h)
	require.Equal(t, 1, n)
	require.NotZero(t, hash)
	require.Equal(t, "0/1", last)
	other := History("", "0/2", h)
	require.NotEqual(t, other, History("", "0/2", History("", "0/0", "")), "the hash remembers what came before")
}
