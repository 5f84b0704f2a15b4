package statedir

import (
	"errors"
	"fmt"
)

// filesystem is what the system says about where a path lies.
type filesystem struct {
	magic int64  // of statfs; 0 where there is none
	name  string // instead of magic, on systems that have names
}

// errUnsupported is statfs on systems where we do not know how to ask.
var errUnsupported = errors.New("the kind of filesystem is unknown here")

// NetworkFilesystemError says that the state directory is on a filesystem that
// several machines share.
type NetworkFilesystemError struct {
	Path, Kind string
}

// Error gives the reason and what to use instead.
func (e *NetworkFilesystemError) Error() string {
	return fmt.Sprintf("state directory %s is on a network filesystem (%s): its locks and writes are not reliable after a network failure, "+
		"and state would be corrupted silently; use a local disk (in a pod: an emptyDir, or a persistent volume of a block storage class) as Config.StateDir; "+
		"state that is not there is restored from the changelogs", e.Path, e.Kind)
}

// verdict of a kind of filesystem.
type verdict struct {
	kind   string
	refuse bool
}

// judge knows the filesystems that are not local. FUSE can be anything.
func judge(f filesystem) verdict {
	byMagic := map[int64]verdict{
		0x6969:     {"NFS", true},
		0x517B:     {"SMB", true},
		0xFE534D42: {"SMB2", true},
		0xFF534D42: {"CIFS", true},
		0x01021997: {"9P", true},
		0x00C36400: {"Ceph", true},
		0x5346414F: {"AFS", true},
		0x6B414653: {"AFS", true},
		0x0BD00BD0: {"Lustre", true},
		0x47504653: {"GPFS", true},
		0x73757245: {"Coda", true},
		0x65735546: {"FUSE", false},
	}
	byName := map[string]verdict{
		"nfs": {"NFS", true}, "smbfs": {"SMB", true}, "afpfs": {"AFP", true}, "webdav": {"WebDAV", true},
		"macfuse": {"FUSE", false}, "osxfuse": {"FUSE", false},
	}
	if v, ok := byName[f.name]; ok {
		return v
	}
	return byMagic[f.magic&0xFFFFFFFF] // some systems extend the sign
}

// checkFilesystem refuses network filesystems and warns of those that may be.
func checkFilesystem(path string, o Options) error {
	f, err := o.filesystem(path)
	if errors.Is(err, errUnsupported) {
		return nil
	}
	if err != nil {
		o.Logger.Warn("the filesystem of the state directory could not be checked", "path", path, "err", err)
		return nil
	}
	v := judge(f)
	if v.refuse {
		return &NetworkFilesystemError{Path: path, Kind: v.kind}
	}
	if v.kind != "" {
		o.Logger.Warn("the state directory is on a FUSE filesystem; if that is a network filesystem, state may be corrupted silently", "path", path)
	}
	return nil
}
