package statedir

import (
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// on is a system whose filesystem is f.
func on(f filesystem) func(string) (filesystem, error) {
	return func(string) (filesystem, error) { return f, nil }
}

// networkFilesystems are those that are refused, as the system tells them.
func networkFilesystems() map[string]filesystem {
	return map[string]filesystem{
		"NFS": {magic: 0x6969}, "SMB": {magic: 0x517B}, "SMB2": {magic: 0xFE534D42}, "CIFS": {magic: -0xACB2BE}, // sign-extended 0xFF534D42
		"9P": {magic: 0x01021997}, "Ceph": {magic: 0x00C36400}, "AFS": {magic: 0x5346414F}, "WebDAV": {name: "webdav"},
		"FUSE": {magic: 0x65735546}, "Lustre": {magic: 0x0BD00BD0},
	}
}

// TestNetworkFilesystems are refused by name, and used if just that one is allowed.
func TestNetworkFilesystems(t *testing.T) {
	t.Parallel()
	for kind, f := range networkFilesystems() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			o := Options{
				Dir: t.TempDir(), ApplicationID: "app", filesystem: on(f), AllowNetworkFilesystem: "another",
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			}
			_, err := Open(t.Context(), o)
			var network *NetworkFilesystemError
			require.ErrorAs(t, err, &network)
			require.Equal(t, kind, network.Kind)
			require.ErrorContains(t, err, "emptyDir")
			require.ErrorContains(t, err, `AllowNetworkFilesystem = "`+kind+`"`)
			require.Empty(t, log.String())

			o.AllowNetworkFilesystem = kind
			d, err := Open(t.Context(), o)
			require.NoError(t, err)
			require.NoError(t, d.Close())
			require.Contains(t, log.String(), "which was allowed")
		})
	}
}

// TestLocalFilesystems are fine, but for two of them in a pod, which get a warning.
func TestLocalFilesystems(t *testing.T) {
	t.Parallel()
	for kind, f := range map[string]filesystem{
		"ext4": {magic: 0xEF53}, "xfs": {magic: 0x58465342}, "apfs": {name: "apfs"}, "overlay": {magic: 0x794C7630}, "tmpfs": {magic: 0x01021994},
	} {
		for _, pod := range []bool{false, true} {
			var log strings.Builder
			d, err := Open(t.Context(), Options{
				Dir: t.TempDir(), ApplicationID: "app", Kubernetes: pod, filesystem: on(f), Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			require.NoError(t, d.Close())
			warned := pod && (kind == "overlay" || kind == "tmpfs")
			require.Equal(t, warned, strings.Contains(log.String(), "should be on a volume"), "%s, in a pod: %t", kind, pod)
		}
	}
}

// TestUnknownFilesystems are used.
func TestUnknownFilesystems(t *testing.T) {
	t.Parallel()
	for want, ask := range map[string]func(string) (filesystem, error){
		"could not be checked": func(string) (filesystem, error) { return filesystem{}, fs.ErrInvalid },
		"":                     func(string) (filesystem, error) { return filesystem{}, errUnsupported },
	} {
		var log strings.Builder
		d, err := Open(t.Context(), Options{
			Dir: t.TempDir(), ApplicationID: "app", filesystem: ask, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.Contains(t, log.String(), want)
		require.Equal(t, want == "", log.String() == "")
	}
}

// TestFreeSpace is told, and is a part of the error of a full disk.
func TestFreeSpace(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	n, err := d.Free()
	require.NoError(t, err)
	require.Positive(t, n)
	require.ErrorContains(t, unwritable(d.Path(), errNoSpace), "MiB free")
	require.ErrorContains(t, unwritable("/there/is/no/such", errNoSpace), "not known")
}
