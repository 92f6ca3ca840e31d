// Package docs reads the pages of the folder docs, so that tests can run their code.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Block is a fenced block of code in a page.
type Block struct {
	Page string // the name of its file, such as web.md
	Line int    // the number of its first line of code
	Lang string // the first word of its info string, such as json
	Kind string // the second word: how a test uses the block, or the name of its file
	Want string // the third word, such as linked
	Text string
}

// String returns where the block is.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Blocks returns the blocks of code in a page.
func Blocks(path string) ([]Block, error) {
	text, err := os.ReadFile(path) // #nosec G304 -- a test names the page
	if err != nil {
		return nil, err
	}
	return parse(filepath.Base(path), string(text))
}

func parse(page, text string) (blocks []Block, err error) {
	var open *Block
	for i, line := range strings.Split(text, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case open == nil && fence:
			words := append(strings.Fields(info), "", "", "")
			open = &Block{Page: page, Line: i + 2, Lang: words[0], Kind: words[1], Want: words[2]}
		case open != nil && line == "```":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += line + "\n"
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the block is not closed", open)
	}
	return blocks, nil
}

// Script is code for the TypeScript compiler.
type Script struct {
	Name string // in the folder of its page, such as web/line_30.ts, or web/app.ts if the block says so
	Text string
}

var inlineScript = regexp.MustCompile(`(?s)<script type="module">\n(.*?)</script>`)

// Scripts returns the ts and tsx blocks, and the modules in the html blocks. Each is a module of
// its own. Empty lines before it give a compiler's errors the lines of the page.
func Scripts(blocks []Block) (scripts []Script) {
	add := func(b Block, line int, ext, text string) {
		name := b.Kind
		if name == "" {
			name = fmt.Sprintf("line_%d.%s", line, ext)
		}
		name = strings.TrimSuffix(b.Page, ".md") + "/" + name
		scripts = append(scripts, Script{name, strings.Repeat("\n", line-1) + text + "export {};\n"})
	}
	for _, b := range blocks {
		switch b.Lang {
		case "ts", "tsx":
			add(b, b.Line, b.Lang, b.Text)
		case "html":
			for _, at := range inlineScript.FindAllStringSubmatchIndex(b.Text, -1) {
				add(b, b.Line+strings.Count(b.Text[:at[2]], "\n"), "ts", b.Text[at[2]:at[3]])
			}
		}
	}
	return scripts
}
