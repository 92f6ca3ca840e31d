package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"unicode/utf8"
)

// The limits of files, lines and functions. A tab is tabWidth columns.
const (
	mostLines       = 450 // of a file without tests
	mostComment     = 100 // columns of a line that is a comment
	mostCode        = 150 // columns of any other line
	mostTest        = 100 // lines of a function of a test, see testLines
	mostTypes       = 145 // exported by the root
	mostHandwritten = 57  // of these, those that no generator writes
	tabWidth        = 4
)

// sizes finds files, lines and functions that are too long.
func (t *tree) sizes() (found []string) {
	for _, f := range t.files {
		if f.generated {
			continue
		}
		if n := len(f.lines); !f.test && n > mostLines {
			found = append(found, fmt.Sprintf("%s: %d lines, at most %d", f.name, n, mostLines))
		}
		comments := t.commentLines(f)
		for i, text := range f.lines {
			kind, most := "a line of code", mostCode
			if comments[i+1] {
				kind, most = "a comment", mostComment
			}
			if n := columns(text); n > most {
				found = append(found, fmt.Sprintf("%s:%d: %s has %d columns, at most %d", f.name, i+1, kind, n, most))
			}
		}
		if !f.test {
			continue
		}
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && t.testLines(fn) > mostTest {
				found = append(found, fmt.Sprintf("%s:%d: %s has %d lines besides tables, at most %d",
					f.name, t.line(fn.Pos()), fn.Name.Name, t.testLines(fn), mostTest))
			}
		}
	}
	return found
}

func columns(text string) int {
	return utf8.RuneCountInString(text) + (tabWidth-1)*strings.Count(text, "\t")
}

// commentLines returns the lines that are only comments. It leaves out directives, such as
// those of go generate, which cannot be wrapped.
func (t *tree) commentLines(f file) map[int]bool {
	lines := map[int]bool{}
	for _, group := range f.syntax.Comments {
		for _, c := range group.List {
			first, last := t.line(c.Pos()), t.line(c.End())
			alone := strings.HasPrefix(strings.TrimSpace(f.lines[first-1]), c.Text[:2])
			for n := first; n <= last; n++ {
				lines[n] = (alone || n > first) && !strings.HasPrefix(c.Text, "//go:")
			}
		}
	}
	return lines
}

// testLines returns the number of lines of a function, without those between the braces of
// composite literals. Bodies of functions in such a table count.
func (t *tree) testLines(fn *ast.FuncDecl) int {
	if fn.Body == nil {
		return 0
	}
	n := t.line(fn.End()) - t.line(fn.Pos()) + 1
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		table, ok := node.(*ast.CompositeLit)
		if !ok {
			return true
		}
		n -= t.between(table.Lbrace, table.Rbrace)
		ast.Inspect(table, func(node ast.Node) bool {
			code, ok := node.(*ast.FuncLit)
			if ok {
				n += t.between(code.Body.Lbrace, code.Body.Rbrace)
			}
			return !ok
		})
		return false
	})
	return n
}

// between returns the number of whole lines between two braces.
func (t *tree) between(left, right token.Pos) int {
	return max(0, t.line(right)-t.line(left)-1)
}
