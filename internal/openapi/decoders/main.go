// Decoders writes decode.gen.go. For each type of types.gen.go that occurs in a response, the file
// has a method that decodes the type's members. A type occurs in a response if the client calls an
// operation with it, as in call[Link], or if such a type has a field of it.
//
//	go run ./internal/openapi/decoders -dir .
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

func main() {
	dir := flag.String("dir", ".", "directory of package moneykit")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "decoders:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	source, err := generate(os.DirFS(dir))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "decode.gen.go"), source, 0o644) //nolint:gosec // It is source code.
}

//go:embed decode.tmpl
var layout string

// generate returns decode.gen.go for the package in dir.
func generate(dir fs.FS) ([]byte, error) {
	p := pkg{types: map[string]ast.Expr{}, done: map[string]bool{}}
	names, err := fs.Glob(dir, "*.go")
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "decode.gen.go" {
			continue
		}
		source, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if name == "types.gen.go" {
			p.declare(file)
		}
		roots = append(roots, called(file)...)
	}
	for _, root := range roots {
		if err := p.visit(root); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(p.objects, func(a, b object) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse(layout)).Execute(&out, p.objects); err != nil {
		return nil, err
	}
	return format.Source(out.Bytes())
}

// called returns the type arguments of all uses of call in a file.
func called(file *ast.File) []string {
	var types []string
	ast.Inspect(file, func(n ast.Node) bool {
		index, ok := n.(*ast.IndexExpr)
		if !ok {
			return true
		}
		if name(index.X) == "call" {
			types = append(types, name(index.Index))
		}
		return true
	})
	return types
}

// pkg collects the types of package moneykit and the decoders that they need.
type pkg struct {
	types   map[string]ast.Expr // of types.gen.go
	objects []object
	done    map[string]bool
}

// object is a type that needs a decoder.
type object struct {
	Name   string
	ID     string // the name of the member that identifies a row, empty if there is none
	Fields []field
}

type field struct {
	Name string // of the member
	Read string // the statement that reads its value
}

func (p *pkg) declare(file *ast.File) {
	for _, decl := range file.Decls {
		if general, ok := decl.(*ast.GenDecl); ok {
			for _, spec := range general.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					p.types[t.Name.Name] = t.Type
				}
			}
		}
	}
}

// visit adds the type called name, and the types of its fields.
func (p *pkg) visit(name string) error {
	if p.done[name] {
		return nil
	}
	p.done[name] = true
	structure, ok := p.types[name].(*ast.StructType)
	if !ok {
		return fmt.Errorf("types.gen.go has no struct %s", name)
	}
	o := object{Name: name}
	for _, f := range structure.Fields.List {
		if len(f.Names) != 1 || f.Tag == nil {
			return fmt.Errorf("%s: a field without a name or a tag", name)
		}
		goName := f.Names[0].Name
		quoted, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return err
		}
		member, _, _ := strings.Cut(reflect.StructTag(quoted).Get("json"), ",")
		if member != strings.ToLower(member) {
			return fmt.Errorf("%s.%s: the name of the member is not in lower case", name, goName)
		}
		read, of := p.reader(f.Type, "v."+goName)
		if member == "" || read == "" {
			return fmt.Errorf("%s.%s: no decoder for such a field", name, goName)
		}
		if of != "" {
			if err := p.visit(of); err != nil {
				return err
			}
		}
		if goName == "ID" {
			o.ID = member
		}
		o.Fields = append(o.Fields, field{member, read})
	}
	p.objects = append(p.objects, o)
	return nil
}

// reader returns the statement that reads a value of type t into the variable v. of is the struct
// whose decoder the statement needs, empty if it needs none.
func (p *pkg) reader(t ast.Expr, v string) (statement, of string) {
	switch t := t.(type) {
	case *ast.Ident:
		return p.plain(t.Name, v)
	case *ast.StarExpr:
		switch elem := name(t.X); {
		case elem == "float64":
			return "decodeFloat(c, &" + v + ")", ""
		case scalar(elem):
			return "decodeScalar(c, &" + v + ")", ""
		case p.isStruct(elem):
			return "decodePointer(c, &" + v + ")", elem
		}
	case *ast.ArrayType:
		switch elem := name(t.Elt); {
		case p.isText(elem):
			return "decodeTexts(c, &" + v + ")", ""
		case p.isStruct(elem):
			return "decodeObjects(c, &" + v + ")", elem
		}
	case *ast.MapType:
		if elem := name(t.Value); name(t.Key) == "string" && p.isStruct(elem) {
			return "decodeMap(c, &" + v + ")", elem
		}
	}
	return "", ""
}

// plain is reader for a type that is a name.
func (p *pkg) plain(t, v string) (statement, of string) {
	switch {
	case t == "string":
		return "c.Text(&" + v + ")", ""
	case t == "bool":
		return "c.Bool(&" + v + ")", ""
	case t == "int":
		return "c.Int(&" + v + ")", ""
	case scalar(t):
		return v + ".decode(c)", ""
	case p.isText(t):
		return "decodeText(c, &" + v + ")", ""
	case p.isStruct(t):
		return "decodeObject(c, &" + v + ")", t
	}
	return "", ""
}

// scalar reports whether a type has a handwritten decoder.
func scalar(t string) bool { return t == "Decimal" || t == "Date" || t == "Timestamp" }

// isText reports whether a type is string or a type whose underlying type is string.
func (p *pkg) isText(t string) bool { return t == "string" || name(p.types[t]) == "string" }

func (p *pkg) isStruct(t string) bool {
	_, ok := p.types[t].(*ast.StructType)
	return ok
}

// name returns the name of an identifier, or "" for another expression.
func name(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
