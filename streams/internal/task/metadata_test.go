package task_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/store/storetest/golden"
	"github.com/millrace/millrace/streams/internal/task"
)

// TestGoldenMetadata: the strings of Kafka Streams' own encoder, both ways.
func TestGoldenMetadata(t *testing.T) {
	t.Parallel()
	for _, g := range golden.Cases(t, "commit.metadata") {
		var c struct {
			PartitionTime     int64
			ProcessorMetadata map[string]int64
			Base64            string
		}
		g.Decode(t, &c)
		m := task.Metadata{PartitionTime: c.PartitionTime, Processor: c.ProcessorMetadata}
		require.Equal(t, c.Base64, m.Encode())
		require.Equal(t, c.Base64, base64.StdEncoding.EncodeToString(g.Bytes(t)))
		got, ok := task.DecodeMetadata(c.Base64)
		require.True(t, ok)
		require.Equal(t, c.PartitionTime, got.PartitionTime)
		require.Len(t, got.Processor, len(c.ProcessorMetadata))
		for name, at := range c.ProcessorMetadata {
			require.Equal(t, at, got.Processor[name])
		}
	}
}

// TestMetadataOfOthers: the older form is read, nonsense is no error.
func TestMetadataOfOthers(t *testing.T) {
	t.Parallel()
	enc := base64.StdEncoding.EncodeToString
	m, ok := task.DecodeMetadata(enc([]byte{1, 0, 0, 0, 0, 0, 0, 0, 7}))
	require.True(t, ok)
	require.EqualValues(t, 7, m.PartitionTime)
	time := []byte{2, 0, 0, 0, 0, 0, 0, 0, 7}
	for name, s := range map[string]string{
		"empty": "", "other": "hello", "short": enc(time[:8]), "magic": enc(append([]byte{3}, time[1:]...)),
		"half a count":    enc(append(time, 0, 0)),
		"a mad count":     enc(append(time, 255, 255, 255, 255)),
		"a mad name":      enc(append(time, append([]byte{0, 0, 0, 1, 255, 255, 255, 255}, make([]byte, 8)...)...)),
		"something after": enc(append(time, append([]byte{0, 0, 0, 1, 0, 0, 0, 0}, make([]byte, 9)...)...)),
	} {
		m, ok := task.DecodeMetadata(s)
		require.False(t, ok, name)
		require.EqualValues(t, -1, m.PartitionTime, name)
	}
}

// FuzzMetadata: what decodes says the same when it is encoded again.
func FuzzMetadata(f *testing.F) {
	f.Add("AgAAAYvP5gRAAAAAAQAAAAdlY291bnRzAAABi8/l8Lg=")
	f.Add("Av//////////")
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := task.DecodeMetadata(s)
		if !ok {
			return
		}
		again, ok := task.DecodeMetadata(m.Encode())
		require.True(t, ok)
		require.Equal(t, m.PartitionTime, again.PartitionTime)
		require.Equal(t, len(m.Processor), len(again.Processor))
	})
}
