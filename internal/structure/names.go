package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"unicode"
)

// exported is a name at the top level of the root package.
type exported struct {
	name      string
	file      string
	kind      token.Token // TYPE, FUNC, VAR or CONST
	of        string      // the type of a constant, if it is a type of the root
	generated bool
}

// exports returns the root's exported names.
func (t *tree) exports() (all []exported) {
	for _, f := range t.files {
		if f.dir != rootDir || f.test {
			continue
		}
		for _, decl := range f.syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil && decl.Name.IsExported() {
					all = append(all, exported{decl.Name.Name, f.name, token.FUNC, "", f.generated})
				}
			case *ast.GenDecl:
				all = append(all, group(decl, f)...)
			}
		}
	}
	return all
}

// group returns the exported names of a declaration. A constant without type and value has the type
// of the one before it.
func group(decl *ast.GenDecl, f file) (all []exported) {
	of := ""
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				all = append(all, exported{spec.Name.Name, f.name, token.TYPE, "", f.generated})
			}
		case *ast.ValueSpec:
			if spec.Type != nil || len(spec.Values) > 0 {
				of = typeOf(spec)
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					all = append(all, exported{name.Name, f.name, decl.Tok, of, f.generated})
				}
			}
		}
	}
	return all
}

// typeOf returns the name of the type that a declaration states, as a type or as a conversion.
func typeOf(spec *ast.ValueSpec) string {
	stated := spec.Type
	if stated == nil {
		if conversion, ok := spec.Values[0].(*ast.CallExpr); ok {
			stated = conversion.Fun
		}
	}
	if name, ok := stated.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// counts returns the size of the root's surface and of the module.
func (t *tree) counts() []count {
	types, own := 0, 0
	for _, e := range t.exports() {
		if e.kind == token.TYPE {
			types++
			if !e.generated {
				own++
			}
		}
	}
	files, lines := 0, 0
	for _, f := range t.files {
		if !f.test && !f.generated {
			files++
			lines += len(f.lines)
		}
	}
	return []count{
		{"exported types of the root that are written by hand", own, mostHandwritten},
		{"exported types of the root", types, mostTypes},
		{"files that are written by hand, without tests", files, 0},
		{"lines in them", lines, 0},
	}
}

// names finds exported names of the root that are easily confused, and constants of an enumeration
// that do not begin like their type.
func (t *tree) names() (found []string) {
	all := t.exports()
	slices.SortFunc(all, func(a, b exported) int { return strings.Compare(a.name, b.name) })
	for i, a := range all {
		for _, b := range all[i+1:] {
			if oneApart(a.name, b.name) && !mayBeAlike(a, b) {
				found = append(found, fmt.Sprintf("%s: %s and %s (%s) are one letter apart", a.file, a.name, b.name, b.file))
			}
		}
	}
	types := map[string]bool{}
	for _, e := range all {
		types[e.name] = types[e.name] || e.kind == token.TYPE
	}
	for _, e := range all {
		if e.kind == token.CONST && types[e.of] && !strings.HasPrefix(e.name, firstWord(e.of)) {
			found = append(found, fmt.Sprintf("%s: the constant %s must begin with %s or %s", e.file, e.name, e.of, firstWord(e.of)))
		}
	}
	return found
}

// mayBeAlike reports whether two names may be one letter apart.
func mayBeAlike(a, b exported) bool {
	// Values of one enumeration are MoneyKit's words, such as the countries CA and US.
	return a.kind == token.CONST && b.kind == token.CONST && a.of != "" && a.of == b.of
}

// oneApart reports whether adding, removing or changing one letter turns one name into the other.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for len(a) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) == 1
}

// firstWord returns the first word of a name in mixed caps: Connect of ConnectOutcome.
func firstWord(name string) string {
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			return name[:i]
		}
	}
	return name
}
