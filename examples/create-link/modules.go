package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed package.json
var packageJSON []byte

//go:embed package-lock.json
var packageLock []byte

// withoutNPM is the error text if npm is missing.
const withoutNPM = `the command npm is missing

  It installs the package @moneykit/connect, which opens Connect in the browser. Install Node.js, which
  brings npm, and start this program again:

    apt install npm                   on Debian and Ubuntu
    brew install node                 on macOS
    winget install OpenJS.NodeJS      on Windows
    https://nodejs.org                elsewhere

  Or set -modules to a node_modules folder from another machine that has the package`

// installModules returns a node_modules folder with @moneykit/connect. If it is missing, npm
// installs the packages of the lock file. dir is the user's choice, and may be such a node_modules
// folder itself. Empty means a folder in the user's cache.
func installModules(ctx context.Context, dir string, progress io.Writer) (string, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no folder for the npm packages: set -modules: %w", err)
		}
		dir = filepath.Join(cache, "moneykit-create-link", fmt.Sprintf("%x", sha256.Sum256(packageLock))[:16])
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	modules := filepath.Join(dir, "node_modules")
	for _, folder := range []string{dir, modules} {
		if installed(folder) {
			return folder, nil
		}
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New(withoutNPM)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return "", fmt.Errorf("the folder for the npm packages cannot be made: name another one with -modules: %w", err)
	}
	// The packages are installed next to dir and renamed at the end, so that an interrupted
	// installation never looks complete.
	partial, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".partial-")
	if err != nil {
		return "", fmt.Errorf("the folder for the npm packages cannot be made: name another one with -modules: %w", err)
	}
	defer os.RemoveAll(partial) //nolint:errcheck // A leftover folder does no harm.
	fmt.Fprintln(progress, "installing @moneykit/connect with npm into", dir, "(only this once)")
	if err := npmCI(ctx, npm, partial); err != nil {
		return "", err
	}
	_ = os.Remove(dir) // Some systems cannot rename over an empty folder.
	if err := os.Rename(partial, dir); err != nil && !installed(modules) {
		return "", fmt.Errorf("the folder of -modules cannot be filled; name one that does not exist yet: %w", err)
	}
	return modules, nil
}

// installed reports whether the folder has the package.
func installed(modules string) bool {
	_, err := os.Stat(filepath.Join(modules, "@moneykit", "connect", "package.json"))
	return err == nil
}

// npmCI runs "npm ci" in dir.
func npmCI(ctx context.Context, npm, dir string) error {
	for name, content := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	var output bytes.Buffer
	command := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
		"--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000") // Otherwise npm is silent for minutes without a network.
	command.Dir = dir
	command.Stdout, command.Stderr = &output, &output
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the installation of the npm packages was interrupted: %w", ctx.Err())
	case err != nil:
		return fmt.Errorf("npm could not install @moneykit/connect: %w\n\n%s\n\n"+
			"  Check that this machine reaches the npm registry (npm ping), and start this program again. Or set -modules\n"+
			"  to a node_modules folder from another machine that has the package", err, summary(output.String()))
	case !installed(filepath.Join(dir, "node_modules")):
		return errors.New("npm ended without an error, but did not install @moneykit/connect: check what \"npm ci\" does on this machine")
	}
	return nil
}

// summary returns npm's error lines, indented. The first ones contain the reason; stacks and
// general advice follow. Without error lines it returns the last lines.
func summary(output string) string {
	const most = 5
	lines := strings.Split(strings.TrimSpace(output), "\n")
	var found []string
	for _, line := range lines {
		text, isError := strings.CutPrefix(line, "npm error")
		if !isError {
			text, isError = strings.CutPrefix(line, "npm ERR!") // from older versions
		}
		if text = strings.TrimSpace(text); isError && text != "" && !strings.HasPrefix(text, "at ") && len(found) < most {
			found = append(found, line)
		}
	}
	if len(found) == 0 {
		found = lines[max(0, len(lines)-most):]
	}
	return "  " + strings.Join(found, "\n  ")
}
