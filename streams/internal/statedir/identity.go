package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

const (
	identityName = "identity"
	// formatVersion is of the layout of the directory. A release that reads older
	// ones too raises it.
	formatVersion = 1
)

// identity is whose state a directory holds. Empty fields are not known.
type identity struct {
	Format        int    `json:"format"`
	ApplicationID string `json:"applicationId"`
	ClusterID     string `json:"clusterId,omitempty"`
	InstanceID    string `json:"instanceId,omitempty"`
}

// ForeignError says that the state in a directory is not this process's: offsets and
// tasks in it mean something else.
type ForeignError struct {
	Path string
	// What differs: "application", "cluster", "instance" or "format".
	What string
	// Theirs is what the directory has, Ours what this process is.
	Theirs, Ours string
	advice       string
}

// Error names both sides and the remedy.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("state directory %s is of %s %q, this process is of %q: %s", e.Path, e.What, e.Theirs, e.Ours, e.advice)
}

func (d *Dir) foreign(what, theirs, ours, advice string) error {
	return &ForeignError{Path: d.path, What: what, Theirs: theirs, Ours: ours, advice: advice}
}

// identify compares the directory's identity with what Open knows, and completes it.
func (d *Dir) identify(o Options) error {
	known, err := d.readIdentity()
	if err != nil {
		return err
	}
	switch {
	case known.Format > formatVersion:
		return d.foreign("format", fmt.Sprint(known.Format), fmt.Sprint(formatVersion),
			"a newer release wrote it; run that one, or remove the directory and let the state be restored")
	case known.ApplicationID != "" && known.ApplicationID != o.ApplicationID:
		return d.foreign("application", known.ApplicationID, o.ApplicationID,
			"it was copied or renamed; move it back, or remove it and let the state be restored")
	case otherOrdinal(known.InstanceID, o.InstanceID):
		return d.foreign("instance", known.InstanceID, o.InstanceID,
			"the volume of another pod is mounted here; give each pod its own by volumeClaimTemplates, "+
				"or, if it has moved here for good, remove the file "+filepath.Join(d.path, identityName))
	}
	known.Format, known.ApplicationID = formatVersion, o.ApplicationID
	if o.InstanceID != "" {
		known.InstanceID = o.InstanceID
	}
	return d.writeIdentity(known)
}

// BindCluster says to which Kafka cluster the process talks, once it is known. It
// fails with a *ForeignError if the state is of another one, whose offsets mean
// nothing here. An empty id is not checked.
func (d *Dir) BindCluster(clusterID string) error {
	known, err := d.readIdentity()
	if err != nil || clusterID == "" {
		return err
	}
	if known.ClusterID != "" && known.ClusterID != clusterID {
		return d.foreign("cluster", known.ClusterID, clusterID,
			"check Config.Brokers; if the application has moved to another cluster, remove the directory and let the state be restored")
	}
	known.ClusterID = clusterID
	return d.writeIdentity(known)
}

// readIdentity reads the file. One that is missing says nothing; one that does not
// read stops the start, since it may be all that tells of a mistake.
func (d *Dir) readIdentity() (known identity, err error) {
	path := filepath.Join(d.path, identityName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, nil
	}
	if err != nil {
		return identity{}, unwritable(d.path, err)
	}
	if err := json.Unmarshal(data, &known); err != nil {
		return identity{}, fmt.Errorf("state directory: %s does not read (%w); remove it if the directory is this application's", path, err)
	}
	return known, nil
}

// writeIdentity is durable before any state is: a crash must not leave state of
// nobody.
func (d *Dir) writeIdentity(id identity) error {
	if known, err := d.readIdentity(); err == nil && known == id {
		return nil
	}
	data, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if err := replaceDurably(filepath.Join(d.path, identityName), data); err != nil {
		return unwritable(d.path, err)
	}
	return nil
}

// otherOrdinal reports whether both are pods of one StatefulSet, but not the same. A
// name without an ordinal, as a Deployment's, may change.
func otherOrdinal(theirs, ours string) bool {
	ordinal := regexp.MustCompile(`^(.*)-(\d+)$`)
	a, b := ordinal.FindStringSubmatch(theirs), ordinal.FindStringSubmatch(ours)
	return a != nil && b != nil && a[1] == b[1] && a[2] != b[2]
}

// replaceDurably writes a file as a whole, and to the disk.
func replaceDurably(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable. Filesystems that cannot do that do
// not need it.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}
