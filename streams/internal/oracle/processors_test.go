package oracle

// processor names a processor of the vectors' registry, with its arguments.
type processor struct {
	P string `json:"p"`
}
