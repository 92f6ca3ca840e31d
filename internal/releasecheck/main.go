// Releasecheck checks that a commit can be released. It changes nothing:
//
//	go run ./internal/releasecheck v0.2.0
//
// It prints one line for each check, and fails unless all pass. With -sbom it also writes the
// software bill of materials to a file. docs/releasing.md describes when to run it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	sbom := flag.String("sbom", "", "write the software bill of materials to this file")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: .ci/release-check [-sbom FILE] VERSION, such as v0.2.0")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	c := &check{dir: ".", run: command, sbom: *sbom}
	if err := c.release(context.Background(), flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release-check:", err)
		os.Exit(1)
	}
}

// check contains the settings and results that the checks of a release share.
type check struct {
	dir  string // the root of the repository
	run  runner
	sbom string // a file for the bill of materials; empty for none

	version version
	last    *version // the newest earlier release, without pre-releases; nil if there is none
}

// runner runs a program in a folder and returns its output. Its error contains the program's error
// output.
type runner func(ctx context.Context, dir, name string, args ...string) ([]byte, error)

func command(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...) // #nosec G204 -- this program names git and go
	cmd.Dir = dir
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(string(out) + failure.String())
		return nil, fmt.Errorf("%s %s: %w\n%s", name, args[0], err, said)
	}
	return out, nil
}

// release runs all checks, even if one fails, so that one run shows all problems.
func (c *check) release(ctx context.Context, name string, out io.Writer) error {
	v, err := parseVersion(name)
	if err != nil {
		return err
	}
	c.version = v
	if c.last, err = c.lastRelease(ctx); err != nil {
		return err
	}
	checks := []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"tag", c.checkTag},
		{"tree", c.checkTree},
		{"constant", c.checkConstant},
		{"changelog", c.checkChangelog},
		{"api", c.checkSurface},
		{"modules", c.checkModules},
		{"licences", c.checkLicences},
	}
	failed := 0
	for _, check := range checks {
		result := "ok"
		said, err := check.do(ctx)
		if err != nil {
			failed++
			result, said = "FAILED", err.Error()
		}
		fmt.Fprintf(out, "%-9s  %-6s  %s\n", check.name, result, strings.ReplaceAll(said, "\n", "\n"+strings.Repeat(" ", 19)))
	}
	if failed > 0 {
		return fmt.Errorf("%s cannot be released: %d of %d checks failed", v, failed, len(checks))
	}
	return nil
}

// git runs git in the repository and returns the lines that it prints.
func (c *check) git(ctx context.Context, args ...string) ([]string, error) {
	out, err := c.run(ctx, c.dir, "git", args...)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}

// lastRelease returns the newest release among the tags of the commit's history.
func (c *check) lastRelease(ctx context.Context) (last *version, err error) {
	tags, err := c.git(ctx, "tag", "--list", "v*", "--merged", "HEAD")
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		v, err := parseVersion(tag)
		if err != nil || v.pre != "" || v == c.version {
			continue
		}
		if last == nil || last.compare(v) < 0 {
			last = &v
		}
	}
	return last, nil
}

// checkTag accepts an existing tag if it belongs to this commit, so that the check can be run again
// before the tag is pushed.
func (c *check) checkTag(ctx context.Context) (string, error) {
	if c.last != nil && c.last.compare(c.version) >= 0 {
		return "", fmt.Errorf("%s is not newer than %s, which is released", c.version, c.last)
	}
	tags, err := c.git(ctx, "tag", "--list", c.version.String())
	if err != nil {
		return "", err
	}
	if len(tags) == 0 {
		return fmt.Sprintf("%s does not exist yet", c.version), nil
	}
	commits, err := c.git(ctx, "rev-parse", c.version.String()+"^{commit}", "HEAD")
	switch {
	case err != nil:
		return "", err
	case len(commits) != 2 || commits[0] != commits[1]:
		return "", fmt.Errorf("%s is the tag of another commit; a tag that was pushed is never moved", c.version)
	}
	return fmt.Sprintf("%s is the tag of this commit", c.version), nil
}

func (c *check) checkTree(ctx context.Context) (string, error) {
	changes, err := c.git(ctx, "status", "--porcelain")
	if err != nil {
		return "", err
	}
	if len(changes) > 0 {
		return "", errors.New("the tree has changes that are not committed:\n" + strings.Join(changes, "\n"))
	}
	return "everything is committed", nil
}
