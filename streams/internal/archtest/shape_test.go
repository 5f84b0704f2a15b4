package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestGoroutinesLiveInFewRooms: everything else is called, never running.
func TestGoroutinesLiveInFewRooms(t *testing.T) {
	t.Parallel()
	hold(t, passive)
}

func passive(s source) []string {
	room, _, _ := roomOf(s.room)
	if s.test || goroutineRooms[room] != "" {
		return nil
	}
	return s.nodes(func(n ast.Node) string {
		if _, ok := n.(*ast.GoStmt); ok {
			return "a go statement in " + s.room + ", which must stay passive"
		}
		return ""
	})
}

// TestPureRoomsReadNoClock: time comes in as an argument, so tests own it.
func TestPureRoomsReadNoClock(t *testing.T) {
	t.Parallel()
	hold(t, clockless)
}

func clockless(s source) []string {
	if s.test || !slices.Contains(pure, s.room) {
		return nil
	}
	clocks := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	return s.nodes(func(n ast.Node) string {
		for _, f := range clocks {
			if calls(n, "time", f) {
				return s.room + " reads the clock with time." + f
			}
		}
		return ""
	})
}

// TestNothingSleepsOrPanics: tests wait for events; the library returns errors.
func TestNothingSleepsOrPanics(t *testing.T) {
	t.Parallel()
	hold(t, noSleepNoPanic)
}

func noSleepNoPanic(s source) []string {
	return s.nodes(func(n ast.Node) string {
		if calls(n, "time", "Sleep") {
			return "time.Sleep: wait for what you wait for"
		}
		if call, ok := n.(*ast.CallExpr); ok && !s.test {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
				return "panic: return an error"
			}
		}
		return ""
	})
}

// TestSizes: a file is read in one sitting, a function on one screen.
func TestSizes(t *testing.T) {
	t.Parallel()
	hold(t, rightSize)
}

func rightSize(s source) (faults []string) {
	if n := strings.Count(s.text, "\n"); n > maxFile {
		faults = append(faults, fmt.Sprintf("%s has %d lines, over %d", s.name, n, maxFile))
	}
	for _, d := range s.ast.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || longFunctions[s.name+":"+f.Name.Name] != "" {
			continue
		}
		if n := s.lines(f); n > maxFunction {
			faults = append(faults, fmt.Sprintf("%s: %s has %d lines, over %d", s.at(f), f.Name.Name, n, maxFunction))
		}
	}
	return faults
}

// TestNamesSayWhatIsInside: no drawer packages, no init.
func TestNamesSayWhatIsInside(t *testing.T) {
	t.Parallel()
	hold(t, tellingNames)
}

func tellingNames(s source) (faults []string) {
	if slices.Contains(badNames, s.ast.Name.Name) {
		faults = append(faults, s.name+": a package named "+s.ast.Name.Name+" says nothing")
	}
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			faults = append(faults, s.at(f)+": init hides what a package does")
		}
	}
	return faults
}

// TestNoMutableGlobals: package variables are errors, compiled patterns, embedded
// files, serdes without state, or interface checks; anything else could change
// under two applications in one process.
func TestNoMutableGlobals(t *testing.T) {
	t.Parallel()
	hold(t, noMutableGlobals)
}

func noMutableGlobals(s source) (faults []string) {
	if s.test || strings.HasPrefix(s.room, "examples") {
		return nil
	}
	for _, d := range s.ast.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			if !fixed(s, v) && !embedded(g, v) {
				faults = append(faults, s.at(v)+": package variable "+v.Names[0].Name)
			}
		}
	}
	return faults
}

// fixed reports whether a package variable cannot be told from a constant.
func fixed(s source, v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	for _, e := range v.Values {
		lit, isLit := e.(*ast.CompositeLit)
		stateless := isLit && len(lit.Elts) == 0 && s.room == "streams/serde"
		if !stateless && !calls(e, "errors", "New") && !calls(e, "regexp", "MustCompile") {
			return false
		}
	}
	return len(v.Values) > 0
}

// embedded reports whether a variable is filled by a go:embed directive.
func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed") {
				return true
			}
		}
	}
	return false
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
