package record

// Header is one record header. The value's bytes belong to the record: read
// them, copy them to keep them beyond the call.
type Header struct {
	Key   string
	Value []byte
}

// Headers is the ordered list of a record's headers. Keys may repeat.
//
// All children of one operator see the same Headers: what one adds, later
// siblings see, and nobody above. That is Kafka Streams' rule. A Headers is
// not safe for concurrent use; it lives within one task.
type Headers struct {
	list []Header
}

// NewHeaders returns headers that hold the given list, which it takes over.
func NewHeaders(list ...Header) *Headers { return &Headers{list: list} }

// Len is the number of headers. A nil Headers is empty.
func (h *Headers) Len() int {
	if h == nil {
		return 0
	}
	return len(h.list)
}

// All is the list itself, for reading. It is valid until the next change.
func (h *Headers) All() []Header {
	if h == nil {
		return nil
	}
	return h.list
}

// Last returns the value of the last header of that key.
func (h *Headers) Last(key string) ([]byte, bool) {
	for i := h.Len() - 1; i >= 0; i-- {
		if h.list[i].Key == key {
			return h.list[i].Value, true
		}
	}
	return nil, false
}

// Add appends a header. The value is kept, not copied.
func (h *Headers) Add(key string, value []byte) {
	h.list = append(h.list, Header{Key: key, Value: value})
}

// Remove drops all headers of that key. It builds a new list, because lists
// are shared between the records of neighbouring operators.
func (h *Headers) Remove(key string) {
	kept := make([]Header, 0, len(h.list))
	for _, e := range h.list {
		if e.Key != key {
			kept = append(kept, e)
		}
	}
	h.list = kept
}

// Set replaces all headers of that key by one, at the end of the list.
func (h *Headers) Set(key string, value []byte) {
	h.Remove(key)
	h.Add(key, value)
}

// Clone is a copy that shares nothing but the values' bytes, for code that
// keeps headers beyond the record.
func (h *Headers) Clone() *Headers {
	return &Headers{list: append([]Header(nil), h.All()...)}
}

// Reset makes h the headers of a record that just came in; the list is taken
// over. It is for source operators.
func (h *Headers) Reset(list []Header) { h.list = list[:len(list):len(list)] }

// From makes h a view of o that costs no copy: the first Add reallocates, so
// what is added below an operator stays invisible above it. It returns h.
func (h *Headers) From(o *Headers) *Headers {
	l := o.All()
	h.list = l[:len(l):len(l)]
	return h
}
