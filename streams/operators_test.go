package streams_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operators are the types whose methods make up the DSL.
var operators = []string{
	"Builder", "Stream", "Table", "Grouped", "GroupedTable", "WindowedGroup", "SessionGroup", "WindowedTable",
	"Cogrouped", "WindowedCogroup", "SessionCogroup", "Split", "Topic",
}

// TestEveryOperatorIsShown: each operator has a doc comment of its own and is called in
// an example. What all have in common of nulls, times and names is the package's doc.
func TestEveryOperatorIsShown(t *testing.T) {
	t.Parallel()
	shown, declared := map[string]bool{}, map[string]*ast.FuncDecl{}
	for _, f := range parsed(t) {
		for _, d := range f.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case f.test && strings.HasPrefix(f.name, "example"):
				calls(fn, shown)
			case !f.test && fn.Recv != nil && fn.Name.IsExported() && slices.Contains(operators, receiver(fn)):
				declared[receiver(fn)+"."+fn.Name.Name] = fn
			}
		}
	}
	require.Greater(t, len(declared), 80)
	for name, fn := range declared {
		require.NotNil(t, fn.Doc, "%s has no doc comment", name)
		require.Contains(t, fn.Doc.Text(), fn.Name.Name, "the doc comment of %s begins with another name", name)
		require.True(t, shown[fn.Name.Name], "%s is in no example", name)
	}
}

// TestTheManualHasTheRules: nulls, times and names are explained where they are the
// same for all.
func TestTheManualHasTheRules(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, heading := range []string{"# Names", "# Null", "# Time"} {
		require.Contains(t, string(doc), "// "+heading+"\n")
	}
}

type parsedFile struct {
	name string
	test bool
	file *ast.File
}

func parsed(t *testing.T) (out []parsedFile) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		out = append(out, parsedFile{name, strings.HasSuffix(name, "_test.go"), file})
	}
	return out
}

// receiver is the name of a method's type.
func receiver(fn *ast.FuncDecl) string {
	typ := fn.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// calls notes the methods that a function mentions.
func calls(fn *ast.FuncDecl, into map[string]bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			into[sel.Sel.Name] = true
		}
		return true
	})
}

// TestWrongProgramsDoNotCompile: the compiler refuses each line of testdata/wrong that
// says so, and no other.
func TestWrongProgramsDoNotCompile(t *testing.T) {
	t.Parallel()
	const program = "testdata/wrong/chains.go"
	text, err := os.ReadFile(program)
	require.NoError(t, err)
	var want []string
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasSuffix(line, "// refused") {
			want = append(want, strconv.Itoa(i+1))
		}
	}
	require.NotEmpty(t, want)
	out, err := exec.Command("go", "build", "-gcflags=-e", "-o", os.DevNull, program).CombinedOutput()
	require.Error(t, err, "it compiles")
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`chains\.go:(\d+):\d+: `).FindAllStringSubmatch(string(out), -1) {
		found[m[1]] = true
	}
	for _, line := range want {
		require.True(t, found[line], "line %s compiles:\n%s", line, out)
	}
	require.Len(t, found, len(want), "other lines are refused, too:\n%s", out)
}
