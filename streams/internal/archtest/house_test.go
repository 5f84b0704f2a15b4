package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is one Go file of the house.
type source struct {
	room string // directory relative to the module, slash-separated
	name string // path relative to the module
	test bool
	ast  *ast.File
	fset *token.FileSet
	text string
}

// imports lists the file's imports.
func (s source) imports() []string {
	var out []string
	for _, i := range s.ast.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

// at is the position of a node, for messages.
func (s source) at(n ast.Node) string { return s.fset.Position(n.Pos()).String() }

// lines is how many lines a node spans.
func (s source) lines(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// house parses every Go file of the module once per test that asks.
func house(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, "go.mod"))
	var out []source
	require.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(root, p, d)
		}
		if strings.HasSuffix(p, ".go") {
			out = append(out, parse(t, root, p))
		}
		return nil
	}))
	require.Greater(t, len(out), 20, "the walk must have found the house")
	return out
}

// skipDir leaves out test data, hidden folders and nested modules.
func skipDir(root, p string, d fs.DirEntry) error {
	if p == root {
		return nil
	}
	_, err := os.Stat(filepath.Join(p, "go.mod"))
	if err == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
		return filepath.SkipDir
	}
	return nil
}

func parse(t *testing.T, root, p string) source {
	t.Helper()
	text, err := os.ReadFile(p)
	require.NoError(t, err)
	fset := token.NewFileSet()
	rel, err := filepath.Rel(root, p)
	require.NoError(t, err)
	rel = filepath.ToSlash(rel)
	f, err := parser.ParseFile(fset, rel, text, parser.ParseComments)
	require.NoError(t, err)
	return source{room: path.Dir(rel), name: rel, test: strings.HasSuffix(rel, "_test.go"), ast: f, fset: fset, text: string(text)}
}

// roomOf cuts a package path to the room that the rules name: the longest entry
// of the ladder that is the path or a parent of it.
func roomOf(pkg string) (room string, rung int, ok bool) {
	rung = -1
	for i, rooms := range ladder {
		for _, r := range rooms {
			if (pkg == r || nested(r) && strings.HasPrefix(pkg, r+"/")) && len(r) > len(room) {
				room, rung, ok = r, i, true
			}
		}
	}
	return room, rung, ok
}

// nested rooms cover the packages below them too.
func nested(room string) bool { return room == "examples" || room == "integration" }
