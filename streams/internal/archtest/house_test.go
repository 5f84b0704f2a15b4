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

// rule looks at one file and says what is wrong with it.
type rule func(source) []string

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

// nodes visits every node of the file and collects what is found.
func (s source) nodes(visit func(ast.Node) string) []string {
	var out []string
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if n != nil {
			if fault := visit(n); fault != "" {
				out = append(out, s.at(n)+": "+fault)
			}
		}
		return true
	})
	return out
}

// hold applies a rule to the whole house.
func hold(t *testing.T, r rule) {
	t.Helper()
	for _, s := range house(t) {
		for _, fault := range r(s) {
			t.Error(fault)
		}
	}
}

// house parses every Go file of the module.
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
			text, err := os.ReadFile(p)
			require.NoError(t, err)
			rel, err := filepath.Rel(root, p)
			require.NoError(t, err)
			out = append(out, parse(t, filepath.ToSlash(rel), string(text)))
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

func parse(t *testing.T, name, text string) source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	require.NoError(t, err)
	return source{room: path.Dir(name), name: name, test: strings.HasSuffix(name, "_test.go"), ast: f, fset: fset, text: text}
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
func nested(room string) bool {
	return room == "examples" || room == "integration" || room == "store/storetest"
}
