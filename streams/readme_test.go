package streams_test

import (
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams"
)

// TestReadmeHasEveryField: the table of the README and Config do not drift apart.
func TestReadmeHasEveryField(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	config := reflect.TypeFor[streams.Config]()
	for i := range config.NumField() {
		require.Contains(t, string(readme), "`"+config.Field(i).Name+"`")
	}
}
