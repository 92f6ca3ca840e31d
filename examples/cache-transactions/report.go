package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/moneykit/moneykit-go/sqlstore"
)

// report prints the outcome of each link as soon as it is known, and the sums at the end.
type report struct {
	*program

	screen screen
	name   int // the width of the names of institutions
	links  int
	sum    outcome
	ended  int
	failed int
	began  time.Time
}

func newReport(p *program, links []sqlstore.Link) *report {
	r := &report{program: p, screen: newScreen(p.stdout, p.getenv), links: len(links), began: time.Now()}
	for _, link := range links {
		r.name = min(max(r.name, uniseg.StringWidth(clean(link.InstitutionName))), r.screen.width/3)
	}
	return r
}

func (r *report) add(o outcome) error {
	r.ended++
	if o.err != nil {
		r.failed++
	}
	r.sum.Pages += o.Pages
	r.sum.Written += o.Written
	r.sum.Removed += o.Removed
	if r.json {
		return json.NewEncoder(r.stdout).Encode(o)
	}
	return r.line(o)
}

// line prints an outcome for people.
func (r *report) line(o outcome) error {
	name := pad(cut(clean(o.Institution), r.name), r.name, false)
	if o.err == nil {
		text := r.screen.paint(green, "ok") + "    " + name + "  "
		if r.screen.width >= defaultWidth {
			text += r.screen.paint(faint, clean(o.LinkID)) + "  "
		}
		_, err := io.WriteString(r.stdout, text+counted(o)+"\n")
		return err
	}
	text := r.screen.paint(red, "fail") + "  " + r.screen.beside(name, o.LinkID, len("fail  ")) + wrap(clean(o.Error), r.screen.width, 6)
	if next := advise(o.Action); next != "" {
		text += wrap("-> "+next, r.screen.width, 6)
	}
	_, err := io.WriteString(r.stdout, text)
	return err
}

// beside returns a line with the name of an institution and the ID of a link, or two lines if there
// is no room. Both begin after the indent.
func (s screen) beside(name, linkID string, indent int) string {
	linkID = clean(linkID)
	if indent+uniseg.StringWidth(name)+gap+uniseg.StringWidth(linkID) > s.width {
		return strings.TrimRight(name, " ") + "\n" + strings.Repeat(" ", indent) + s.paint(faint, linkID) + "\n"
	}
	return name + strings.Repeat(" ", gap) + s.paint(faint, linkID) + "\n"
}

// counted describes the changes of a sync.
func counted(o outcome) string {
	if o.Written == 0 && o.Removed == 0 && !o.Rebuilt {
		return "nothing new"
	}
	text := plural(o.Written, "row") + " written"
	if o.Removed > 0 {
		text += fmt.Sprintf(", %s removed", grouped(o.Removed))
	}
	text += ", " + plural(o.Pages, "page")
	if o.Rebuilt {
		text += ", rebuilt because MoneyKit did not accept the position"
	}
	return text
}

// end prints the sums, and returns an error if a link failed.
func (r *report) end(ctx context.Context) error {
	if !r.json && r.links > 1 {
		text := fmt.Sprintf("%s of %s: %s written, %s removed, %s, in %s", grouped(r.ended-r.failed), plural(r.links, "link"),
			plural(r.sum.Written, "row"), grouped(r.sum.Removed), plural(r.sum.Pages, "page"), time.Since(r.began).Round(time.Millisecond))
		fmt.Fprint(r.stdout, "\n", wrap(text, r.screen.width, 0))
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped: all pages so far are stored, and the next sync continues there: %w", context.Cause(ctx))
	case r.failed > 0:
		return fmt.Errorf("%d of %s could not be synced", r.failed, plural(r.links, "link"))
	}
	return nil
}
