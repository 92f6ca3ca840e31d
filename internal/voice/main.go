// Voice finds phrases that are hard to read: inverted sentences, dangling verbs and riddles. It
// reads the files that git tracks below the current folder, and fails if one contains such a
// phrase:
//
//	go run ./internal/voice
//
// It finds phrases across the ends of lines. With -count it prints only the number of phrases in
// each file.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func main() {
	count := flag.Bool("count", false, "print the number of phrases in each file")
	flag.Parse()
	if err := run(context.Background(), ".", *count, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "voice:", err)
		os.Exit(1)
	}
}

// hit is a phrase in a file.
type hit struct {
	file   string
	line   int
	phrase string
	advice string
}

func run(ctx context.Context, dir string, count bool, out io.Writer) error {
	names, err := tracked(ctx, dir)
	if err != nil {
		return err
	}
	var hits []hit
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))) //nolint:gosec // a file of the repository
		if err != nil {
			return err
		}
		if utf8.Valid(text) {
			hits = append(hits, find(name, string(text))...)
		}
	}
	if count {
		for i := 0; i < len(hits); {
			next := i
			for next < len(hits) && hits[next].file == hits[i].file {
				next++
			}
			fmt.Fprintf(out, "%4d %s\n", next-i, hits[i].file)
			i = next
		}
	} else {
		for _, h := range hits {
			fmt.Fprintf(out, "%s:%d: %q: %s\n", h.file, h.line, h.phrase, h.advice)
		}
	}
	if len(hits) > 0 {
		return fmt.Errorf("%d phrases", len(hits))
	}
	return nil
}

// tracked returns the names of the text files that git tracks. It leaves out generated files, and
// this package, which contains the phrases.
func tracked(ctx context.Context, dir string) (names []string, err error) {
	cmd := exec.CommandContext(ctx, "git", "ls-files", "-z")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if name != "" && written(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func written(name string) bool {
	switch path.Base(name) {
	case "go.mod", "go.sum", "package-lock.json", "LICENSE":
		return false
	}
	if strings.HasPrefix(name, "internal/voice/") || strings.HasPrefix(name, "api/") || strings.HasSuffix(name, ".gen.go") {
		return false
	}
	return !slices.Contains(strings.Split(name, "/"), "testdata")
}

// lineEnd is the end of a line, with the indentation and the comment sign of the next line.
var lineEnd = regexp.MustCompile(`[ \t]*\r?\n[ \t]*(?://+|#+|\*|>)?[ \t]*`)

// find returns the phrases in a text.
func find(name, text string) (hits []hit) {
	if path.Base(name) == "CHANGELOG.md" {
		text = unreleased(text)
	}
	joined, lines := join(text)
	for _, rule := range rules() {
		if slices.Contains(rule.unless, name) {
			continue
		}
		for _, at := range rule.form.FindAllStringIndex(joined, -1) {
			hits = append(hits, hit{name, lines(at[0]), joined[at[0]:at[1]], rule.advice})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.line - b.line })
	return hits
}

// join joins the lines of a text with spaces. lines returns the line number of a position in the
// result.
func join(text string) (joined string, lines func(at int) int) {
	var b strings.Builder
	var starts []int // of each line but the first, in the joined text
	last := 0
	for _, at := range lineEnd.FindAllStringIndex(text, -1) {
		b.WriteString(text[last:at[0]])
		b.WriteByte(' ')
		// A match spans empty lines too, and the next line begins behind them.
		for range strings.Count(text[at[0]:at[1]], "\n") {
			starts = append(starts, b.Len())
		}
		last = at[1]
	}
	b.WriteString(text[last:])
	return b.String(), func(at int) int {
		n, found := slices.BinarySearch(starts, at)
		for found && n < len(starts) && starts[n] == at {
			n++
		}
		return n + 1
	}
}

// unreleased returns a changelog up to the first version, because released sections do not change.
func unreleased(text string) string {
	version := regexp.MustCompile(`(?m)^## \d`)
	if at := version.FindStringIndex(text); at != nil {
		return text[:at[0]]
	}
	return text
}
