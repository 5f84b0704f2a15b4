package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

const processIDName = "process-id"

// processFile is the file's content, in the layout of Kafka Streams' own.
type processFile struct {
	ProcessID uuid.UUID `json:"processId"`
}

// loadProcessID reads the process id, or draws one and writes it. A file that
// does not read is replaced: a new id costs one less clever assignment.
func loadProcessID(dir string) (uuid.UUID, error) {
	path := filepath.Join(dir, processIDName)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return uuid.Nil, fmt.Errorf("process id: %w", err)
	}
	var known processFile
	if err == nil && json.Unmarshal(data, &known) == nil && known.ProcessID != uuid.Nil {
		return known.ProcessID, nil
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return uuid.Nil, fmt.Errorf("process id: %w", err)
	}
	return id, writeProcessID(path, id)
}

// writeProcessID keeps the id. A crash before it is on the disk costs a new one.
func writeProcessID(path string, id uuid.UUID) error {
	data, err := json.Marshal(processFile{id})
	if err != nil {
		return fmt.Errorf("process id: %w", err)
	}
	return replace(path, data)
}
