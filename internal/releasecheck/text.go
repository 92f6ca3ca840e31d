package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func (c *check) read(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, name)) //nolint:gosec // a file of the repository
	return string(text), err
}

// checkConstant compares the version in the User-Agent header with the tag.
func (c *check) checkConstant(context.Context) (string, error) {
	text, err := c.read("client.go")
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^\tversion\s+= "([^"]*)"$`).FindStringSubmatch(text)
	switch {
	case found == nil:
		return "", errors.New("client.go has no constant version")
	case found[1] != c.version.number():
		return "", fmt.Errorf("the constant version in client.go is %q and must be %q", found[1], c.version.number())
	}
	return "client.go has the version", nil
}

// checkChangelog requires a section for the version, and no lines under Unreleased.
func (c *check) checkChangelog(context.Context) (string, error) {
	text, err := c.read("CHANGELOG.md")
	if err != nil {
		return "", err
	}
	var titles, bodies []string
	for line := range strings.SplitSeq(text, "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			titles, bodies = append(titles, title), append(bodies, "")
		} else if len(bodies) > 0 {
			bodies[len(bodies)-1] += strings.TrimSpace(line)
		}
	}
	if i := slices.Index(titles, "Unreleased"); i >= 0 && bodies[i] != "" {
		return "", errors.New("CHANGELOG.md has lines under Unreleased; move them to the section of the version")
	}
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(c.version.number()) + ` \(\d{4}-\d{2}-\d{2}\)$`)
	i := slices.IndexFunc(titles, form.MatchString)
	switch {
	case i < 0:
		return "", fmt.Errorf("CHANGELOG.md has no section such as: ## %s (2026-01-31)", c.version.number())
	case slices.ContainsFunc(titles[:i], func(title string) bool { return title != "Unreleased" }):
		return "", fmt.Errorf("CHANGELOG.md has the section of %s below that of %s", c.version.number(), titles[0])
	case bodies[i] == "":
		return "", fmt.Errorf("CHANGELOG.md has nothing under %s", c.version.number())
	}
	return "CHANGELOG.md has a section " + titles[i], nil
}

// checkSurface requires that the folder api is up to date, and that the version allows the changes
// of exported names. Before v1 only a new minor version may remove names. From v1 on only a new
// major version may remove names, and only a new minor version may add names.
func (c *check) checkSurface(ctx context.Context) (string, error) {
	if _, err := c.run(ctx, c.dir, "go", "run", "./internal/apilist", "-diff"); err != nil {
		return "", err
	}
	if c.last == nil {
		return "api agrees with the code; there is no earlier release to compare it with", nil
	}
	before, err := c.surfaceAt(ctx, c.last.String())
	if err != nil {
		return "", err
	}
	now, err := c.surfaceAt(ctx, "HEAD")
	if err != nil {
		return "", err
	}
	removed, added := without(before, now), without(now, before)
	v, last := c.version, *c.last
	major, minor := v.major != last.major, v.major != last.major || v.minor != last.minor
	switch {
	case len(removed) > 0 && v.major > 0 && !major:
		return "", fmt.Errorf("names of %s are removed or changed, which needs a new major version:\n%s", last, strings.Join(removed, "\n"))
	case len(removed) > 0 && !minor:
		return "", fmt.Errorf("names of %s are removed or changed, which needs a new minor version:\n%s", last, strings.Join(removed, "\n"))
	case len(added) > 0 && v.major > 0 && !minor:
		return "", fmt.Errorf("new names need a new minor version:\n%s", strings.Join(added, "\n"))
	}
	return fmt.Sprintf("since %s %d lines of api are new and %d are gone", last, len(added), len(removed)), nil
}

// surfaceAt returns the lines of the folder api at a commit, sorted.
func (c *check) surfaceAt(ctx context.Context, commit string) (lines []string, err error) {
	names, err := c.git(ctx, "ls-tree", "--name-only", commit, "api/")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := c.git(ctx, "show", commit+":"+name)
		if err != nil {
			return nil, err
		}
		lines = append(lines, text...)
	}
	slices.Sort(lines)
	return lines, nil
}

// without returns the lines that are not in others, which must be sorted.
func without(lines, others []string) (left []string) {
	for _, line := range lines {
		if _, found := slices.BinarySearch(others, line); !found {
			left = append(left, line)
		}
	}
	return left
}
