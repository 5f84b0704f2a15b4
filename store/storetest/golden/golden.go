// Package golden reads what Kafka Streams itself wrote: cases of its encoders, and
// captures of running applications. Tests compare against them; all of them have
// Golden in their names.
//
// A core set is embedded, so that a clone has something to compare with. The large
// set lies in ../shared/interop beside the repository, where it exists, and
// MILLRACE_INTEROP names a folder with more: files encodings*.json and
// captures/*.json of the same form. Each file's name and count go to the test's
// log, as does that the large set is absent.
package golden

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
)

//go:embed testdata
var core embed.FS

// Variable is the environment variable that names a folder of more fixtures.
const Variable = "MILLRACE_INTEROP"

// Case is one case of Kafka Streams' encoders: a kind, inputs and the bytes.
type Case struct {
	// File is where the case was found, Index its place there.
	File  string
	Index int
	Kind  string

	hex string
	raw json.RawMessage
}

// Bytes are the bytes that the encoder made.
func (c Case) Bytes(t testing.TB) []byte {
	t.Helper()
	return Hex(t, c.hex)
}

// Decode reads the case's inputs into v, as encoding/json does.
func (c Case) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(c.raw, v); err != nil {
		t.Fatalf("%s, case %d: %v", c.File, c.Index, err)
	}
}

// Hex reads bytes that are written as hexadecimal digits.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Cases are all cases of these kinds, of every kind if none is named. A kind of
// which there is no case fails the test.
func Cases(t testing.TB, kinds ...string) []Case {
	t.Helper()
	var out []Case
	for _, f := range files(t, "encodings*.json") {
		found := f.cases(t, kinds)
		t.Logf("golden: %s: %d cases", f.name, len(found))
		out = append(out, found...)
	}
	for _, kind := range kinds {
		if !slices.ContainsFunc(out, func(c Case) bool { return c.Kind == kind }) {
			t.Fatalf("golden: no case of the kind %q", kind)
		}
	}
	return out
}

func (f file) cases(t testing.TB, kinds []string) (out []Case) {
	t.Helper()
	var raw []json.RawMessage
	f.read(t, &raw)
	for i, r := range raw {
		head := struct{ Kind, Hex string }{}
		c := Case{File: f.name, Index: i, raw: r}
		c.Decode(t, &head)
		c.Kind, c.hex = head.Kind, head.Hex
		if len(kinds) == 0 || slices.Contains(kinds, c.Kind) {
			out = append(out, c)
		}
	}
	return out
}

// file is one file of fixtures.
type file struct {
	name string
	tree fs.FS
	path string
}

func (f file) read(t testing.TB, v any) {
	t.Helper()
	b, err := fs.ReadFile(f.tree, f.path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("golden: %s: %v", f.name, err)
	}
}

// files are those that match a pattern in all sets that there are. The core is a
// part of the large set and read only without it.
func files(t testing.TB, pattern string) (out []file) {
	t.Helper()
	embedded, err := fs.Sub(core, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	if large := beside(t); large != "" {
		out = within(t, large, os.DirFS(large), pattern)
	} else {
		t.Log("golden: the large set, ../shared/interop beside the repository, is absent: only the core set is compared")
		out = within(t, "core", embedded, pattern)
	}
	if more := os.Getenv(Variable); more != "" {
		found := within(t, more, os.DirFS(more), pattern)
		if len(found) == 0 {
			t.Logf("golden: %s=%s has no %s", Variable, more, pattern)
		}
		out = append(out, found...)
	}
	return out
}

func within(t testing.TB, name string, tree fs.FS, pattern string) (out []file) {
	t.Helper()
	found, err := fs.Glob(tree, pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		out = append(out, file{name: path.Join(name, p), tree: tree, path: p})
	}
	return out
}

// beside finds the large set next to the folder that holds go.mod.
func beside(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	large := filepath.Join(filepath.Dir(dir), "shared", "interop")
	if _, err := os.Stat(large); err != nil {
		return ""
	}
	return large
}
