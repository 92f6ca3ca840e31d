package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
)

// file is a Go file of the module.
type file struct {
	name      string // with slashes, relative to the module's folder
	dir       string // "." for the root
	lines     []string
	syntax    *ast.File
	test      bool
	generated bool
}

// tree is a module, and the modules nested in it.
type tree struct {
	module string // its path
	set    *token.FileSet
	files  []file
}

func load(dir string) (*tree, error) {
	folder := os.DirFS(dir)
	mod, err := fs.ReadFile(folder, "go.mod")
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	module, ok := strings.CutPrefix(first, "module ")
	if !ok {
		return nil, errors.New("go.mod must begin with the module's path")
	}
	t := &tree{module: strings.TrimSpace(module), set: token.NewFileSet()}
	return t, fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules"
		switch {
		case entry.IsDir() && hidden && name != ".":
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		return t.add(folder, name)
	})
}

func (t *tree) add(folder fs.FS, name string) error {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.files = append(t.files, file{
		name: name, dir: path.Dir(name), syntax: syntax,
		lines: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"),
		test:  strings.HasSuffix(name, "_test.go"), generated: ast.IsGenerated(syntax),
	})
	return nil
}

// line returns the line of a position in its file.
func (t *tree) line(pos token.Pos) int { return t.set.Position(pos).Line }

// within reports whether a folder is the other folder or below it.
func within(dir, other string) bool { return dir == other || strings.HasPrefix(dir, other+"/") }
