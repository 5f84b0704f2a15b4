package check

// Record is one of a topic, as a reader of committed records gets it.
type Record struct {
	Partition int32
	Offset    int64
	Key       string
	Value     []byte // nil is null
}

// Partition is one of a topic's.
type Partition struct {
	Topic     string
	Partition int32
}

// Bounds are the ends of a partition: of the log, of what a reader of committed
// records can get at, and of the last record that it gets. Ends of transactions may
// follow that one.
type Bounds struct{ End, Stable, Data int64 }

// Dump is a local store of one task: its content in the changelog's terms, and the
// next offset of the changelog that it has not seen.
type Dump struct {
	Store     string
	Partition int32
	Position  int64
	// Where is the directory, for the report.
	Where string
	// Same compares with a fold of the changelog: it returns what differs, or nothing.
	Same func(changelog []Record) (string, error)
}

// Evidence is all that is left when the processes have ended.
type Evidence struct {
	Inputs, Outputs []Record
	Changelogs      map[string][]Record // by store
	// Committed are the group's offsets, Ends the partitions that it reads.
	Committed map[Partition]int64
	Ends      map[Partition]Bounds
	// Open are transactional ids of the application with an open transaction.
	Open  []string
	Dumps []Dump
}

// Finding is something that is wrong.
type Finding struct {
	// Name is one of the package's list.
	Name string
	// About says where and what.
	About string
}

// String is one line.
func (f Finding) String() string { return f.Name + ": " + f.About }
