package format

// Offsets says how far each partition of each topic had been read.
type Offsets map[string]map[int32]int64

// ParsePosition reads the position vector that Kafka Streams may put into a header
// "c" of changelog records. Its writer allocates too much, so zero bytes may follow
// and are passed over.
func ParsePosition(b []byte) (Offsets, error) {
	r := reader{b: b}
	r.bad = r.byte() != 0 // the version
	out := Offsets{}
	for n := r.int32(); n > 0 && !r.bad; n-- {
		topic := string(r.bytes32())
		offsets := map[int32]int64{}
		for pairs := r.int32(); pairs > 0 && !r.bad; pairs-- {
			partition := r.int32()
			offsets[partition] = r.int64()
		}
		out[topic] = offsets
	}
	r.b = nil
	return out, r.done("a position vector")
}
