// Structure prints the size of the module, and fails if a file, a line, a test, a name, an import
// or a picture breaks one of the module's own rules:
//
//	go run ./internal/structure
//
// It reads the Go files below the current folder, including nested modules. For generated files
// only the rules of names and imports apply.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
)

func main() {
	if err := run(".", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "structure:", err)
		os.Exit(1)
	}
}

// run checks the module whose go.mod is in dir.
func run(dir string, out io.Writer) error {
	tree, err := load(dir)
	if err != nil {
		return err
	}
	counts := tree.counts()
	for _, c := range counts {
		fmt.Fprintln(out, c)
	}
	pictures, err := pictures(os.DirFS(dir))
	if err != nil {
		return err
	}
	found := slices.Concat(tooMany(counts), tree.sizes(), tree.imports(), tree.names(), pictures)
	for _, violation := range found {
		fmt.Fprintln(out, violation)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d violations", len(found))
	}
	return nil
}

// count is a number and its limit. Zero means no limit.
type count struct {
	what    string
	n, most int
}

// String prints a count and its limit.
func (c count) String() string {
	if c.most == 0 {
		return fmt.Sprintf("%6d           %s", c.n, c.what)
	}
	return fmt.Sprintf("%6d of %6d %s", c.n, c.most, c.what)
}

func tooMany(counts []count) (found []string) {
	for _, c := range counts {
		if c.most > 0 && c.n > c.most {
			found = append(found, fmt.Sprintf("%s: %d, at most %d", c.what, c.n, c.most))
		}
	}
	return found
}
