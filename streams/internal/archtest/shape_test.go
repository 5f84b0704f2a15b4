package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestGoroutinesLiveInFewRooms: everything else is called, never running.
func TestGoroutinesLiveInFewRooms(t *testing.T) {
	t.Parallel()
	each(t, false, func(s source, n ast.Node) {
		room, _, _ := roomOf(s.room)
		if _, ok := n.(*ast.GoStmt); ok && goroutineRooms[room] == "" {
			t.Errorf("%s: a go statement in %s, which must stay passive", s.at(n), s.room)
		}
	})
}

// TestPureRoomsReadNoClock: time comes in as an argument, so tests own it.
func TestPureRoomsReadNoClock(t *testing.T) {
	t.Parallel()
	each(t, false, func(s source, n ast.Node) {
		if !slices.Contains(pure, s.room) {
			return
		}
		for _, f := range []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"} {
			if calls(n, "time", f) {
				t.Errorf("%s: %s reads the clock with time.%s", s.at(n), s.room, f)
			}
		}
	})
}

// TestNothingSleepsOrPanics: tests wait for events; the library returns errors.
func TestNothingSleepsOrPanics(t *testing.T) {
	t.Parallel()
	each(t, true, func(s source, n ast.Node) {
		if calls(n, "time", "Sleep") {
			t.Errorf("%s: time.Sleep", s.at(n))
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || s.test {
			return
		}
		if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
			t.Errorf("%s: panic", s.at(n))
		}
	})
}

// TestSizes: a file is read in one sitting, a function on one screen.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, s := range house(t) {
		if n := strings.Count(s.text, "\n"); n > maxFile {
			t.Errorf("%s has %d lines, over %d", s.name, n, maxFile)
		}
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || longFunctions[s.name+":"+f.Name.Name] != "" {
				continue
			}
			if n := s.lines(f); n > maxFunction {
				t.Errorf("%s: %s has %d lines, over %d", s.at(f), f.Name.Name, n, maxFunction)
			}
		}
	}
}

// TestNamesSayWhatIsInside: no drawer packages, no init.
func TestNamesSayWhatIsInside(t *testing.T) {
	t.Parallel()
	for _, s := range house(t) {
		if slices.Contains(badNames, s.ast.Name.Name) {
			t.Errorf("%s: a package named %s says nothing", s.name, s.ast.Name.Name)
		}
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init hides what a package does", s.at(f))
			}
		}
	}
}

// TestNoMutableGlobals: package variables are errors, compiled patterns, embedded
// files or interface checks; anything else could change under two applications
// in one process.
func TestNoMutableGlobals(t *testing.T) {
	t.Parallel()
	for _, s := range house(t) {
		if s.test || strings.HasPrefix(s.room, "examples") {
			continue
		}
		for _, d := range s.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if !fixed(v) && !embedded(g, v) {
					t.Errorf("%s: package variable %s", s.at(v), v.Names[0].Name)
				}
			}
		}
	}
}

// fixed reports whether a package variable cannot be told from a constant.
func fixed(v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	for _, e := range v.Values {
		if !calls(e, "errors", "New") && !calls(e, "regexp", "MustCompile") && !calls(e, "fmt", "Errorf") {
			return false
		}
	}
	return len(v.Values) > 0
}

// embedded reports whether a variable is filled by a go:embed directive.
func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc != nil && strings.Contains(docText(doc), "//go:embed") {
			return true
		}
	}
	return false
}

func docText(g *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range g.List {
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

// calls reports whether n is a call of pkg.name.
func calls(n ast.Node, pkg, name string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// each visits every node of every file, tests included if so asked.
func each(t *testing.T, tests bool, visit func(source, ast.Node)) {
	t.Helper()
	for _, s := range house(t) {
		if s.test && !tests {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if n != nil {
				visit(s, n)
			}
			return true
		})
	}
}
