package archtest

import (
	"go/ast"
	"strings"
	"testing"
)

// TestExportedNamesAreDocumented: godoc is the manual, so nothing is missing.
func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	hold(t, documented)
}

func documented(s source) (faults []string) {
	if s.test || s.ast.Name.Name == "main" {
		return nil
	}
	for _, d := range s.ast.Decls {
		for _, name := range undocumented(d) {
			faults = append(faults, s.at(d)+": "+name+" has no doc comment")
		}
	}
	return faults
}

// undocumented lists the exported names of a declaration that lack a comment.
func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !obvious(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		return undocumentedSpecs(d)
	}
	return nil
}

func undocumentedSpecs(d *ast.GenDecl) []string {
	var out []string
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				out = append(out, s.Name.Name)
			}
		case *ast.ValueSpec:
			if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				out = append(out, s.Names[0].Name)
			}
		}
	}
	return out
}

// exportedReceiver: methods of unexported types are nobody's manual.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return false
		}
	}
}

// obvious: methods that satisfy a standard interface need no comment.
func obvious(f *ast.FuncDecl) bool {
	return f.Recv != nil && strings.Contains(" Error Unwrap Is String Len Less Swap Close ", " "+f.Name.Name+" ")
}
