package statedir

import "path/filepath"

// globalName is the folder of the global stores, as in Kafka Streams.
const globalName = "global"

// GlobalDir is where the process keeps its global stores. It need not exist.
func (d *Dir) GlobalDir() string { return filepath.Join(d.path, globalName) }

// QuarantineGlobal is [Dir.Quarantine] for the global stores, which are filled from
// their topics then.
func (d *Dir) QuarantineGlobal(reason string) (path string, err error) {
	return d.setAside(d.GlobalDir(), "the global stores", reason)
}
