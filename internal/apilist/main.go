// Apilist writes the files of the folder api, which list the exported names of each package that
// other modules can import, one line a name. A change of the public surface changes these files:
//
//	go run ./internal/apilist
//
// writes the files. With -diff it writes nothing, prints how they differ from the code, and fails
// if they do. Run it in the folder of the module. Lines have the form of the files api/go1.txt in
// Go's own repository.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:generate go run . -C ../..

func main() {
	dir := flag.String("C", ".", "the folder of the module")
	diff := flag.Bool("diff", false, "compare, and write nothing")
	flag.Parse()
	if err := run(context.Background(), *dir, *diff, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "apilist:", err)
		os.Exit(1)
	}
}

// run writes or compares the lists of the module in dir and of the modules nested in it.
func run(ctx context.Context, dir string, diff bool, out io.Writer) error {
	nested, err := modules(os.DirFS(dir))
	if err != nil {
		return err
	}
	want := map[string][]byte{}
	for _, module := range nested {
		lists, err := surfaces(ctx, filepath.Join(dir, filepath.FromSlash(module)), module)
		if err != nil {
			return err
		}
		maps.Copy(want, lists)
	}
	if diff {
		return compare(os.DirFS(dir), want, out)
	}
	return write(filepath.Join(dir, "api"), want)
}

// modules returns the folders of the modules that other modules can import: "." and each nested
// module that is neither internal nor an example.
func modules(tree fs.FS) (found []string, err error) {
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && private(entry.Name()):
			return fs.SkipDir
		case entry.Name() == "go.mod":
			found = append(found, path.Dir(name))
		}
		return nil
	})
	if err == nil && !slices.Contains(found, ".") {
		err = errors.New("the folder has no go.mod")
	}
	return found, err
}

// private reports whether packages below a folder of this name cannot be imported, or should not
// be.
func private(folder string) bool {
	return strings.HasPrefix(folder, ".") ||
		slices.Contains([]string{"internal", "examples", "cmd", "testdata", "node_modules"}, folder)
}

// compare prints the lines that differ. Lines of the files begin with a minus, lines of the code
// with a plus.
func compare(tree fs.FS, want map[string][]byte, out io.Writer) error {
	have, err := fs.Glob(tree, "api/*.txt")
	if err != nil {
		return err
	}
	names := have
	for name := range want {
		names = append(names, "api/"+name)
	}
	slices.Sort(names)
	changed := 0
	for _, name := range slices.Compact(names) {
		old, err := fs.ReadFile(tree, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		lines := difference(old, want[path.Base(name)])
		if len(lines) > 0 {
			changed += len(lines)
			fmt.Fprintf(out, "%s:\n%s\n", name, strings.Join(lines, "\n"))
		}
	}
	if changed > 0 {
		return fmt.Errorf("%d lines of api differ from the code; if the change is meant, run: go generate ./internal/apilist",
			changed)
	}
	return nil
}

// difference returns the lines that are in only one of two sorted texts.
func difference(old, current []byte) (lines []string) {
	before, after := split(old), split(current)
	for _, line := range before {
		if _, found := slices.BinarySearch(after, line); !found {
			lines = append(lines, "-"+line)
		}
	}
	for _, line := range after {
		if _, found := slices.BinarySearch(before, line); !found {
			lines = append(lines, "+"+line)
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[1:], b[1:]) })
	return lines
}

// split returns the lines of a text. It sorts them, in case somebody has edited the text.
func split(text []byte) []string {
	lines := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	slices.Sort(lines)
	return lines
}

// write writes the files, and removes the files of deleted packages.
func write(dir string, want map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a folder of the repository
		return err
	}
	have, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return err
	}
	for _, name := range have {
		if _, ok := want[filepath.Base(name)]; !ok {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for name, text := range want {
		file := filepath.Join(dir, name)
		if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, text) { //nolint:gosec // a file of the folder api
			continue
		}
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // it is for everybody
			return err
		}
	}
	return nil
}
