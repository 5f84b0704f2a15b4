package oracle

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/store"
	"github.com/millrace/millrace/streams"
	"github.com/millrace/millrace/streams/record"
)

// processor names a processor of the vectors' registry, with its arguments.
type processor struct {
	P          string `json:"p"`
	Store      string `json:"store"`
	Prefix     string `json:"prefix"`
	Then       string `json:"then"`
	Else       string `json:"else"`
	Key        string `json:"key"`
	Value      string `json:"value"`
	MS         int64  `json:"ms"`
	LookbackMS int64  `json:"lookback_ms"`
	IntervalMS int64  `json:"interval_ms"`
	StartMS    int64  `json:"start_ms"`
	MaxFires   int    `json:"max_fires"`
}

// stateOp has the fields of an addStateStore.
type stateOp struct {
	Store      string `json:"store"`
	Kind       string `json:"kind"`
	Logging    *bool  `json:"logging"`
	HistoryMS  int64  `json:"history_ms"`
	Retention  int64  `json:"retention_ms"`
	SizeMS     int64  `json:"size_ms"`
	Duplicates bool   `json:"retain_duplicates"`
}

// attached is a store in a task, one of its fields.
type attached struct {
	kv       *store.KV[*val, *val]
	timed    *store.TimestampedKV[*val, *val]
	versions *store.Versioned[*val, *val]
	windows  *store.Window[*val, *val]
	sessions *store.Session[*val, *val]
	rows     func(*val) (*val, int64, bool, error)
}

// use is a store that processors may use.
type use struct {
	ref  streams.StateStore
	open func(streams.StoreContext) attached
}

func (in *interpreter) addStateStore(o op) {
	ks, vs := datum{o.Key}, datum{o.Value}
	var opts []streams.StoreOption
	if o.stateOp.Logging != nil && !*o.stateOp.Logging {
		opts = append(opts, streams.WithoutLogging())
	}
	var u use
	switch o.Kind {
	case "tskv":
		r := streams.TimestampedKVStore(o.stateOp.Store, ks, vs, opts...)
		u = use{r, func(c streams.StoreContext) attached { return attached{timed: r.In(c)} }}
	case "versioned":
		r := streams.VersionedStore(o.stateOp.Store, ks, vs, ms(o.HistoryMS), opts...)
		u = use{r, func(c streams.StoreContext) attached { return attached{versions: r.In(c)} }}
	case "window":
		if o.Duplicates {
			opts = append(opts, streams.RetainDuplicates())
		}
		r := streams.WindowStore(o.stateOp.Store, ks, vs, ms(o.SizeMS), ms(o.Retention), opts...)
		u = use{r, func(c streams.StoreContext) attached { return attached{windows: r.In(c)} }}
	case "session":
		r := streams.SessionStore(o.stateOp.Store, ks, vs, ms(o.Retention), opts...)
		u = use{r, func(c streams.StoreContext) attached { return attached{sessions: r.In(c)} }}
	default:
		r := streams.KVStore(o.stateOp.Store, ks, vs, opts...)
		u = use{r, func(c streams.StoreContext) attached { return attached{kv: r.In(c)} }}
	}
	in.b.AddStateStore(u.ref)
	in.uses[o.stateOp.Store] = u
}

// uses finds a store by name: a processor's own, or the rows of a table.
func (in *interpreter) use(name string) use {
	if u, ok := in.uses[name]; ok {
		return u
	}
	for _, o := range in.v.Program {
		if o.Materialized == nil || o.Materialized.Store != name {
			continue
		}
		r, ok := rowsOf(in.nodes[o.ID])
		if !ok {
			continue
		}
		u := use{r, func(c streams.StoreContext) attached { return attached{rows: r.In(c).Get} }}
		in.uses[name] = u
		return u
	}
	return use{streams.StoreRef[int]{}, func(streams.StoreContext) attached { return attached{} }}
}

func (in *interpreter) processOptions(o op) []streams.ProcessOption {
	out := opts[streams.ProcessOption](name(o))
	for _, s := range o.StoreNames {
		out = append(out, streams.Uses(in.use(s).ref))
	}
	return out
}

// process attaches a processor to a stream.
func (in *interpreter) process(o op, s stream) any {
	p, u, out := o.Proc, in.use(o.Proc.Store), in.v.Types[o.ID]
	if o.Op == "processValues" {
		made := s.ProcessValues(func(c *streams.ValueContext[*val]) streams.Processor[*val, *val] {
			r := &running{p: p, c: c, send: func(r kvRecord) error { return c.ForwardAt(r.Value, r.Time, r.Headers) }}
			return r.begin(u)
		}, in.processOptions(o)...)
		return made.WithValueSerde(datum{out.Value})
	}
	made := s.Process(func(c *streams.Context[*val, *val]) streams.Processor[*val, *val] {
		return (&running{p: p, c: c, send: c.Forward, sendTo: c.ForwardTo}).begin(u)
	}, in.processOptions(o)...)
	return made.WithKeySerde(datum{out.Key}).WithValueSerde(datum{out.Value})
}

type kvRecord = record.Record[*val, *val]

// surroundings is what both contexts tell.
type surroundings interface {
	streams.StoreContext
	Metadata() (streams.RecordMetadata, bool)
	StreamTime() int64
	WallTime() int64
	Commit()
	Skip(reason string)
	Schedule(streams.Clock, time.Duration, func(int64) error) *streams.Schedule
	ScheduleFrom(time.Time, streams.Clock, time.Duration, func(int64) error) *streams.Schedule
}

// running is a processor of the registry in one task.
type running struct {
	p      processor
	c      surroundings
	st     attached
	send   func(kvRecord) error
	sendTo func(string, kvRecord) error
	fired  int
	cancel *streams.Schedule
}

func (r *running) begin(u use) *running {
	if r.p.Store != "" {
		r.st = u.open(r.c)
	}
	if !strings.HasPrefix(r.p.P, "punct_") {
		return r
	}
	clock := streams.StreamTime
	if strings.HasPrefix(r.p.P, "punct_wall") {
		clock = streams.WallClock
	}
	if r.p.StartMS != 0 {
		r.cancel = r.c.ScheduleFrom(time.UnixMilli(r.p.StartMS), clock, ms(r.p.IntervalMS), r.punctuate)
	} else {
		r.cancel = r.c.Schedule(clock, ms(r.p.IntervalMS), r.punctuate)
	}
	return r
}

func (r *running) punctuate(now int64) error {
	r.fired++
	defer func() {
		if r.p.MaxFires > 0 && r.fired >= r.p.MaxFires {
			r.cancel.Cancel()
		}
	}()
	if strings.HasSuffix(r.p.P, "_tick") {
		v := fmt.Sprintf("%d/st=%d/wt=%d/m=%s", now, r.c.StreamTime(), r.c.WallTime(), r.meta())
		return r.send(kvRecord{Key: text("tick"), Value: text(v), Time: now})
	}
	var all []store.Entry[*val, *val]
	for e, err := range r.st.kv.All() {
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	for _, e := range all {
		if err := r.send(kvRecord{Key: e.Key, Value: text(fmt.Sprintf("%s@%d", str(e.Value), now)), Time: now}); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) meta() string {
	m, ok := r.c.Metadata()
	if !ok {
		return "null/-1/-1"
	}
	return fmt.Sprintf("%s/%d/%d", m.Topic, m.Partition, m.Offset)
}

// Process is the registry of processors.
func (r *running) Process(in kvRecord) error {
	switch r.p.P {
	case "passthrough", "punct_stream_tick", "punct_wall_tick":
		return r.send(in)
	case "swallow":
		return nil
	case "forward_twice":
		if err := r.send(in); err != nil {
			return err
		}
		return r.send(in)
	case "commit":
		err := r.send(in)
		r.c.Commit()
		return err
	case "null_key_out":
		in.Key = nil
		return r.send(in)
	case "forward_to":
		to := r.p.Else
		if in.Value != nil && strings.HasPrefix(str(in.Value), r.p.Prefix) {
			to = r.p.Then
		}
		return r.sendTo(to, in)
	case "fail_if":
		if in.Value != nil && str(in.Value) == r.p.Value {
			fn{Arg: literal{text(r.p.Value)}}.boom()
		}
		return r.send(in)
	case "ts_add":
		in.Time += r.p.MS
		return r.send(in)
	case "header_add":
		in.Headers.Add(r.p.Key, []byte(r.p.Value))
		return r.send(in)
	case "header_set":
		in.Headers = record.NewHeaders(record.Header{Key: r.p.Key, Value: []byte(r.p.Value)})
		return r.send(in)
	case "header_drop":
		in.Headers = nil
		return r.send(in)
	}
	return r.rewrite(in)
}

// rewrite has the processors that make another value.
func (r *running) rewrite(in kvRecord) (err error) {
	switch r.p.P {
	case "header_count":
		in.Value = text(fmt.Sprintf("%s#%d", str(in.Value), in.Headers.Len()))
	case "meta":
		in.Value = text(str(in.Value) + "@" + r.meta())
	case "times":
		in.Value = text(fmt.Sprintf("%s@st=%d,wt=%d,ts=%d", str(in.Value), r.c.StreamTime(), r.c.WallTime(), in.Time))
	default:
		var forward bool
		if in.Value, forward, err = r.stateful(in); err != nil || !forward {
			return err
		}
	}
	return r.send(in)
}

// stateful has the processors with stores; it returns the value to forward.
func (r *running) stateful(in kvRecord) (v *val, forward bool, err error) {
	switch r.p.P {
	case "dedupe":
		old, _, err := r.st.kv.Get(in.Key)
		if err != nil || old != nil && in.Value != nil && *old == *in.Value {
			return nil, false, err
		}
		return in.Value, true, r.putKV(in)
	case "count":
		old, _, err := r.st.kv.Get(in.Key)
		if err != nil {
			return nil, false, err
		}
		n := long(num(old) + 1)
		return n, true, r.st.kv.Put(in.Key, n)
	case "punct_stream_store", "punct_wall_store":
		return nil, false, r.putKV(in)
	case "table_lookup":
		if in.Key == nil {
			return text(str(in.Value) + "/null"), true, nil
		}
		found, err := r.lookup(in.Key)
		return text(str(in.Value) + "/" + found), true, err
	case "tskv_put":
		old, err := r.lookup(in.Key)
		if err == nil && in.Value != nil {
			err = r.st.timed.Put(in.Key, in.Value, in.Time)
		} else if err == nil {
			err = r.st.timed.Delete(in.Key)
		}
		return text(old + ">" + str(in.Value)), true, err
	case "versioned_put", "versioned_delete":
		return r.versioned(in)
	case "window_put":
		return r.window(in)
	case "session_put":
		return r.session(in)
	}
	return nil, false, fmt.Errorf("no processor %s", r.p.P)
}

func (r *running) putKV(in kvRecord) error {
	if in.Value == nil {
		return r.st.kv.Delete(in.Key)
	}
	return r.st.kv.Put(in.Key, in.Value)
}

func (r *running) versioned(in kvRecord) (*val, bool, error) {
	if in.Value == nil && r.p.P == "versioned_delete" {
		old, ok, err := r.st.versions.Delete(in.Key, in.Time)
		found := "null"
		if ok {
			found = fmt.Sprintf("%s@%d", str(old.Value), old.From)
		}
		return text("deleted=" + found), true, err
	}
	put := func() (int64, error) { return r.st.versions.Put(in.Key, in.Value, in.Time) }
	if in.Value == nil {
		put = func() (int64, error) { return r.st.versions.PutNull(in.Key, in.Time) }
	}
	to, err := put()
	if to == store.NotPut { // too old: Kafka's store counts it itself
		r.c.Skip("expired")
	}
	return text(fmt.Sprintf("validTo=%d", to)), true, err
}

func (r *running) window(in kvRecord) (*val, bool, error) {
	var err error
	if in.Value == nil {
		err = r.st.windows.Delete(in.Key, in.Time)
	} else {
		err = r.st.windows.Put(in.Key, in.Time, in.Value, in.Time)
	}
	var b strings.Builder
	for e, fault := range r.st.windows.Fetch(in.Key, in.Time-r.p.LookbackMS, in.Time) {
		if fault != nil {
			return nil, false, fault
		}
		fmt.Fprintf(&b, "%d=%s;", e.Key.Window.Start, str(e.Value))
	}
	return text(b.String()), true, err
}

func (r *running) session(in kvRecord) (*val, bool, error) {
	var b strings.Builder
	for e, err := range r.st.sessions.Find(in.Key, in.Time-r.p.LookbackMS, in.Time+r.p.LookbackMS) {
		if err != nil {
			return nil, false, err
		}
		fmt.Fprintf(&b, "%s=%s;", str(windowed(e.Key)), str(e.Value))
	}
	end := in.Time + r.p.LookbackMS
	if in.Value == nil {
		return text(b.String()), true, r.st.sessions.Remove(in.Key, in.Time, end)
	}
	return text(b.String()), true, r.st.sessions.Put(in.Key, in.Time, end, in.Value)
}

// lookup is the text of what a store has for a key.
func (r *running) lookup(k *val) (string, error) {
	at := func(v *val, ts int64, ok bool, err error) (string, error) {
		if !ok {
			return "null", err
		}
		return fmt.Sprintf("%s@%d", str(v), ts), err
	}
	switch {
	case r.st.rows != nil:
		return at(r.st.rows(k))
	case r.st.timed != nil:
		return at(r.st.timed.Get(k))
	case r.st.versions != nil:
		v, ok, err := r.st.versions.Get(k)
		return at(v.Value, v.From, ok, err)
	}
	v, _, err := r.st.kv.Get(k)
	return str(v), err
}
