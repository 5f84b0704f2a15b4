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
		"state that is not there is restored from the changelogs. If this one is known to be reliable, allow it: AllowNetworkFilesystem = %q", e.Path, e.Kind, e.Kind)
}

// verdict of a kind of filesystem.
type verdict struct {
	kind   string
	refuse bool
	// inPods is what is wrong with it in Kubernetes, and only there.
	inPods string
}

// judge knows the filesystems that are not local, and those that a pod should not
// use. FUSE can be anything, so it is taken for the worst.
func judge(f filesystem) verdict {
	byMagic := map[int64]verdict{
		0x6969:     {kind: "NFS", refuse: true},
		0x517B:     {kind: "SMB", refuse: true},
		0xFE534D42: {kind: "SMB2", refuse: true},
		0xFF534D42: {kind: "CIFS", refuse: true},
		0x01021997: {kind: "9P", refuse: true},
		0x00C36400: {kind: "Ceph", refuse: true},
		0x5346414F: {kind: "AFS", refuse: true},
		0x6B414653: {kind: "AFS", refuse: true},
		0x0BD00BD0: {kind: "Lustre", refuse: true},
		0x47504653: {kind: "GPFS", refuse: true},
		0x73757245: {kind: "Coda", refuse: true},
		0x65735546: {kind: "FUSE", refuse: true},
		0x794C7630: {kind: "overlay", inPods: "it is the container's own layer, so all state is lost when the pod is replaced, and it is slow"},
		0x01021994: {kind: "tmpfs", inPods: "it is memory, which counts against the pod's limit, and is lost when the pod is replaced"},
	}
	byName := map[string]verdict{
		"nfs": {kind: "NFS", refuse: true}, "smbfs": {kind: "SMB", refuse: true}, "afpfs": {kind: "AFP", refuse: true},
		"webdav": {kind: "WebDAV", refuse: true}, "macfuse": {kind: "FUSE", refuse: true}, "osxfuse": {kind: "FUSE", refuse: true},
	}
	if v, ok := byName[f.name]; ok {
		return v
	}
	return byMagic[f.magic&0xFFFFFFFF] // some systems extend the sign
}

// checkFilesystem refuses network filesystems and warns of what a pod should not use.
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
	switch {
	case v.refuse && o.AllowNetworkFilesystem == v.kind:
		o.Logger.Warn("the state directory is on a network filesystem, which was allowed", "path", path, "kind", v.kind)
	case v.refuse:
		return &NetworkFilesystemError{Path: path, Kind: v.kind}
	case v.inPods != "" && o.Kubernetes:
		o.Logger.Warn("the state directory should be on a volume: mount an emptyDir or a persistent volume there", "path", path, "kind", v.kind, "because", v.inPods)
	}
	return nil
}
