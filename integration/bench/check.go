package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// outputs are what a run left in its topics.
type outputs struct {
	// output yields every result, in order within a partition.
	output reader
}

// reader yields records; ms is their time.
type reader func(yield func(key, value []byte, ms int64) error) error

// digest is a sum over records that does not depend on their order.
type digest struct {
	records int64
	sum     uint64
}

func (d *digest) add(key []byte, values ...[]byte) {
	h := fnv.New64a()
	_, _ = h.Write(key) // a hash never fails
	for _, v := range values {
		_, _ = h.Write(v)
	}
	d.records++
	d.sum += mix(h.Sum64())
}

// equal compares what came out with what must.
func (d digest) equal(want digest) error {
	if d != want {
		return fmt.Errorf("%d records with sum %x came out, and %d with %x must", d.records, d.sum, want.records, want.sum)
	}
	return nil
}

// all digests a topic.
func all(read reader) (d digest, err error) {
	err = read(func(key, value []byte, _ int64) error { d.add(key, value); return nil })
	return d, err
}

// checkUpper expects each value in capitals, of all records or of those that are ok.
func checkUpper(set dataset, onlyOK bool) func(outputs) error {
	return func(o outputs) error {
		var want digest
		var key, value []byte
		for i := range set.records {
			if onlyOK && !set.ok(i) {
				continue
			}
			key, value = appendKey(key[:0], set.keyNo(i)), set.appendValue(value[:0], i)
			want.add(key, upper(value))
		}
		got, err := all(o.output)
		if err != nil {
			return err
		}
		return got.equal(want)
	}
}

// checkCounts expects that the counts of each key go up, by one where nothing is
// cached, and end with how often the key occurs.
func checkCounts(set dataset, keyOf func(int64) int64, cached bool) func(outputs) error {
	return func(o outputs) error {
		want := map[string]int64{}
		for i := range set.records {
			want[string(appendKey(nil, keyOf(i)))]++
		}
		got := map[string]int64{}
		err := o.output(func(key, value []byte, _ int64) error {
			n := int64(binary.BigEndian.Uint64(value))
			if last := got[string(key)]; n <= last || !cached && n != last+1 {
				return fmt.Errorf("the count of %s goes from %d to %d", key, last, n)
			}
			got[string(key)] = n
			return nil
		})
		if err != nil {
			return err
		}
		return equalCounts(got, want)
	}
}

// checkWindows expects the same of each key and window. A result has the time of the
// latest record of its window, which tells the window.
func checkWindows(set dataset, cached bool) func(outputs) error {
	return func(o outputs) error {
		want, got := map[string]int64{}, map[string]int64{}
		for i := range set.records {
			want[string(windowKey(appendKey(nil, set.keyNo(i)), set.time(i)))]++
		}
		err := o.output(func(key, value []byte, ms int64) error {
			k, n := string(windowKey(key, ms)), int64(binary.BigEndian.Uint64(value))
			if last := got[k]; n <= last || !cached && n != last+1 {
				return fmt.Errorf("the count of %s at %d goes from %d to %d", key, ms, last, n)
			}
			got[k] = n
			return nil
		})
		if err != nil {
			return err
		}
		return equalCounts(got, want)
	}
}

// windowKey tells the minute of a record from others of its key.
func windowKey(key []byte, ms int64) []byte {
	const minute = 60_000
	return fmt.Appendf(nil, "%s in %d", key, ms/minute)
}

func equalCounts(got, want map[string]int64) error {
	if len(got) != len(want) {
		return fmt.Errorf("there are counts of %d keys, and %d must be", len(got), len(want))
	}
	for k, n := range want {
		if got[k] != n {
			return fmt.Errorf("the count of %q is %d, and %d must be", k, got[k], n)
		}
	}
	return nil
}

// checkTableJoin expects each record beside its key's row.
func checkTableJoin(stream, table dataset) func(outputs) error {
	return func(o outputs) error {
		rows := make([]int64, table.keys)
		for i := range table.records {
			rows[table.keyNo(i)] = i
		}
		var want digest
		var key, l, r []byte
		for i := range stream.records {
			no := stream.keyNo(i)
			key, l, r = appendKey(key[:0], no), stream.appendValue(l[:0], i), table.appendValue(r[:0], rows[no])
			want.add(key, l, r)
		}
		got, err := all(o.output)
		if err != nil {
			return err
		}
		return got.equal(want)
	}
}

// checkStreamJoin expects every pair of one key within a minute, once.
func checkStreamJoin(left, right dataset) func(outputs) error {
	return func(o outputs) error {
		const minute = 60_000
		others := map[int64][]int64{}
		for i := range right.records {
			others[right.keyNo(i)] = append(others[right.keyNo(i)], i)
		}
		var want digest
		var key, l, r []byte
		for i := range left.records {
			no := left.keyNo(i)
			key, l = appendKey(key[:0], no), left.appendValue(l[:0], i)
			for _, j := range others[no] {
				if d := left.time(i) - right.time(j); -minute <= d && d <= minute {
					r = right.appendValue(r[:0], j)
					want.add(key, l, r)
				}
			}
		}
		got, err := all(o.output)
		if err != nil {
			return err
		}
		return got.equal(want)
	}
}
