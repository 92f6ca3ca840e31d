package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// listed is a package in the output of go list.
type listed struct {
	ImportPath string
	Name       string
	Export     string // the file with the types that the compiler wrote
	DepOnly    bool
	Module     *struct{ Path string }
}

// surfaces returns the text of the api file for each importable package of the module in dir.
// prefix is the folder of the module, "." for the root.
func surfaces(ctx context.Context, dir, prefix string) (map[string][]byte, error) {
	packages, err := list(ctx, dir)
	if err != nil {
		return nil, err
	}
	compiled := map[string]string{}
	for _, p := range packages {
		compiled[p.ImportPath] = p.Export
	}
	source := importer.ForCompiler(token.NewFileSet(), "gc", func(name string) (io.ReadCloser, error) {
		file := compiled[name]
		if file == "" {
			return nil, fmt.Errorf("the package %s has no compiled types", name)
		}
		return os.Open(file) // #nosec G304 -- go list names the file
	})
	found := map[string][]byte{}
	for _, p := range packages {
		if p.DepOnly || p.Name == "main" || p.Module == nil {
			continue
		}
		folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/")
		if slices.ContainsFunc(strings.Split(folder, "/"), private) {
			continue
		}
		pkg, err := source.Import(p.ImportPath)
		if err != nil {
			return nil, err
		}
		name := path.Join(prefix, folder)
		if name == "." {
			name = p.Name
		}
		found[strings.ReplaceAll(name, "/", "_")+".txt"] = surface(name, pkg)
	}
	return found, nil
}

// list compiles the packages of the module in dir, and returns them and their imports.
func list(ctx context.Context, dir string) (packages []listed, err error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-export", "-json=ImportPath,Name,Export,DepOnly,Module", "./...")
	cmd.Dir = dir
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, failure.Bytes())
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages = append(packages, p)
	}
}

// lister collects the lines of a package.
type lister struct {
	pkg   *types.Package
	start string
	lines []string
}

// surface returns the lines of a package, sorted.
func surface(name string, pkg *types.Package) []byte {
	l := &lister{pkg: pkg, start: "pkg " + name + ", "}
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		if obj := scope.Lookup(name); obj.Exported() {
			l.object(obj)
		}
	}
	slices.Sort(l.lines)
	return []byte(strings.Join(slices.Compact(l.lines), "\n") + "\n")
}

func (l *lister) addf(format string, args ...any) {
	l.lines = append(l.lines, l.start+fmt.Sprintf(format, args...))
}

func (l *lister) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		l.addf("const %s %s = %s", obj.Name(), l.typ(obj.Type()), obj.Val().ExactString())
	case *types.Var:
		l.addf("var %s %s", obj.Name(), l.typ(obj.Type()))
	case *types.Func:
		signature := obj.Signature()
		l.addf("func %s%s%s", obj.Name(), l.parameters(signature.TypeParams()), l.signature(signature))
	case *types.TypeName:
		if obj.IsAlias() {
			l.addf("type %s = %s", obj.Name(), l.typ(types.Unalias(obj.Type())))
			return
		}
		if named, ok := obj.Type().(*types.Named); ok {
			l.named(obj.Name(), named)
		}
	}
}

func (l *lister) named(name string, named *types.Named) {
	head := "type " + name + l.parameters(named.TypeParams())
	switch under := named.Underlying().(type) {
	case *types.Struct:
		l.addf("%s struct", head)
		l.fields(head+" struct", under)
	case *types.Interface:
		l.interfaceType(head, under)
	default:
		l.addf("%s %s", head, l.typ(under))
	}
	if types.IsInterface(named) {
		return
	}
	methods := types.NewMethodSet(types.NewPointer(named))
	for selection := range methods.Methods() {
		method, ok := selection.Obj().(*types.Func)
		if !ok || !method.Exported() || !shown(named, selection.Index()) {
			continue
		}
		receiver := name + arguments(named)
		if _, pointer := method.Signature().Recv().Type().(*types.Pointer); pointer {
			receiver = "*" + receiver
		}
		l.addf("method (%s) %s%s", receiver, method.Name(), l.signature(method.Signature()))
	}
}

// arguments returns the names of a type's parameters in the form of a receiver.
func arguments(named *types.Named) string {
	var names []string
	for p := range named.TypeParams().TypeParams() {
		names = append(names, p.Obj().Name())
	}
	if names == nil {
		return ""
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// fields adds the exported fields, including the fields of embedded structs that are not exported.
func (l *lister) fields(head string, s *types.Struct) {
	for field := range s.Fields() {
		switch {
		case field.Embedded() && field.Exported():
			l.addf("%s, embedded %s", head, l.typ(field.Type()))
		case field.Embedded():
			if inner, ok := deref(field.Type()).Underlying().(*types.Struct); ok {
				l.fields(head, inner)
			}
		case field.Exported():
			l.addf("%s, %s %s", head, field.Name(), l.typ(field.Type()))
		}
	}
}

// shown reports whether a method needs a line. Methods of an embedded type with its own line do
// not.
func shown(named *types.Named, index []int) bool {
	s, ok := named.Underlying().(*types.Struct)
	return len(index) == 1 || !ok || !s.Field(index[0]).Exported()
}

func deref(t types.Type) types.Type {
	if p, ok := t.(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// interfaceType adds an interface with the names of all methods in one line, so that a new method,
// which breaks implementations, changes that line.
func (l *lister) interfaceType(head string, i *types.Interface) {
	var names []string
	for method := range i.Methods() {
		if !method.Exported() {
			names = append(names, "unexported methods")
			continue
		}
		names = append(names, method.Name())
		l.addf("%s interface, %s%s", head, method.Name(), l.signature(method.Signature()))
	}
	if !i.IsMethodSet() {
		l.addf("%s %s", head, l.typ(i))
		return
	}
	slices.Sort(names)
	l.addf("%s interface { %s }", head, strings.Join(slices.Compact(names), ", "))
}

// signature returns parameters and results without their names, because callers do not depend on
// them.
func (l *lister) signature(s *types.Signature) string {
	text := "(" + l.tuple(s.Params(), s.Variadic()) + ")"
	switch results := s.Results(); results.Len() {
	case 0:
		return text
	case 1:
		return text + " " + l.typ(results.At(0).Type())
	default:
		return text + " (" + l.tuple(results, false) + ")"
	}
}

func (l *lister) tuple(vars *types.Tuple, variadic bool) string {
	var all []string
	for v := range vars.Variables() {
		all = append(all, l.typ(v.Type()))
	}
	if variadic {
		last := len(all) - 1
		all[last] = "..." + strings.TrimPrefix(all[last], "[]")
	}
	return strings.Join(all, ", ")
}

func (l *lister) parameters(list *types.TypeParamList) string {
	var all []string
	for p := range list.TypeParams() {
		all = append(all, p.Obj().Name()+" "+l.typ(p.Constraint()))
	}
	if all == nil {
		return ""
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// typ returns a type. Names of other packages are qualified as in Go code.
func (l *lister) typ(t types.Type) string {
	switch t := t.(type) {
	case *types.Signature:
		return "func" + l.signature(t)
	case *types.Slice:
		return "[]" + l.typ(t.Elem())
	case *types.Pointer:
		return "*" + l.typ(t.Elem())
	}
	return types.TypeString(t, func(other *types.Package) string {
		if other == l.pkg {
			return ""
		}
		return other.Name()
	})
}
