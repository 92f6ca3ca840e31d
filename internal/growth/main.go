// Growth computes what MoneyKit's published rate limits allow for numbers of links, as the table in
// docs/growing.md:
//
//	go run ./internal/growth
//
// With -write PAGE it replaces the table in a page.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/ratelimit"
)

//go:generate go run . -write ../../docs/growing.md

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	page := flags.String("write", "", "the page whose table is replaced")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *page == "" {
		_, err := io.WriteString(out, table())
		return err
	}
	old, err := os.ReadFile(*page)
	if err != nil {
		return err
	}
	text, err := replace(string(old), table())
	if err != nil {
		return fmt.Errorf("%s: %w", *page, err)
	}
	return os.WriteFile(*page, []byte(text), 0o644) // #nosec G306 G703 -- a page of the documentation
}

// The lines around the table.
const (
	begin = "<!-- begin limits: go generate ./internal/growth -->\n"
	end   = "<!-- end limits -->\n"
)

func replace(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return "", fmt.Errorf("the lines %q and %q must be there", begin, end)
	}
	return before + begin + table + end + after, nil
}

// table returns the table as Markdown.
func table() string {
	numbers := []int{1_000, 100_000, 10_000_000}
	var b strings.Builder
	b.WriteString("| operation | a link | the application |")
	for _, n := range numbers {
		fmt.Fprintf(&b, " %s links |", grouped(n))
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(numbers)) + "\n")
	for _, operation := range ratelimit.Operations() {
		limits, _ := ratelimit.For(operation)
		if !strings.Contains(operation, "/link") || operation == "GET /links" {
			continue // The operation is not about one link.
		}
		per := "–"
		if limits.Link > 0 {
			per = fmt.Sprintf("%d a minute", limits.Link)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s a minute |", operation, per, grouped(limits.App))
		for _, n := range numbers {
			fmt.Fprintf(&b, " %s |", words(time.Duration(n)*ratelimit.Window/time.Duration(limits.App)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// grouped formats a number with commas.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

// words formats a duration in its largest unit and the next smaller one.
func words(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		large, small     time.Duration
		largeIn, smallIn string
	}{{day, time.Hour, "d", "h"}, {time.Hour, time.Minute, "h", "min"}, {time.Minute, time.Second, "min", "s"}} {
		if d := d.Round(u.small); d >= u.large {
			if rest := d % u.large / u.small; rest > 0 {
				return fmt.Sprintf("%d %s %d %s", d/u.large, u.largeIn, rest, u.smallIn)
			}
			return fmt.Sprintf("%d %s", d/u.large, u.largeIn)
		}
	}
	return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
}
