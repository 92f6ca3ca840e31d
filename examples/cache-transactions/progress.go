package main

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/moneykit/moneykit-go"
)

// progress shows the progress of a sync: as a bar on a terminal, and otherwise as a line from time
// to time.
type progress struct {
	mu    sync.Mutex // guards the fields below
	out   io.Writer
	bar   *progressbar.ProgressBar // nil if there is no terminal
	rows  map[string]int           // by link
	links int
	ended int
	next  time.Time // of the next line
}

// linesEvery is the time between two lines without a terminal.
const linesEvery = 10 * time.Second

func newProgress(p *program, links int) *progress {
	g := &progress{out: p.stderr, rows: map[string]int{}, links: links, next: time.Now().Add(linesEvery)}
	if !isTerminal(p.stderr) {
		return g
	}
	s := newScreen(p.stderr, p.getenv)
	most := links
	if links == 1 {
		most = -1 // The number of pages is not known before the last one, so the bar only moves.
	}
	g.bar = progressbar.NewOptions(most,
		progressbar.OptionSetWriter(p.stderr),
		progressbar.OptionSetWidth(min(20, s.width-35)),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}),
	)
	g.describe()
	return g
}

// update records the progress of a link's sync.
func (g *progress) update(linkID string, p moneykit.SyncProgress) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rows[linkID] = p.Upserted
	g.describe()
	if now := time.Now(); g.bar == nil && now.After(g.next) {
		g.next = now.Add(linesEvery)
		fmt.Fprintln(g.out, "syncing:", g.text())
	}
}

// finished records that a link is done.
func (g *progress) finished(o outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rows[o.LinkID] = o.Written
	g.ended++
	if g.bar != nil && g.ended < g.links {
		_ = g.bar.Set(g.ended) // An error of the bar must not stop the sync.
	}
	g.describe()
}

// clear removes the bar, so that a line can be printed.
func (g *progress) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bar != nil {
		_ = g.bar.Clear()
	}
}

func (g *progress) describe() {
	if g.bar != nil {
		g.bar.Describe(g.text())
	}
}

func (g *progress) text() string {
	rows := 0
	for _, n := range g.rows {
		rows += n
	}
	return fmt.Sprintf("%s of %s, %s", grouped(g.ended), plural(g.links, "link"), plural(rows, "row"))
}

// grouped formats a number with separators.
func grouped(n int) string { return groups(strconv.Itoa(n)) }

// plural formats a number and a noun.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(n) + " " + thing
}
