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

// installModules returns the folder node_modules with @moneykit/connect in it. If the packages
// are not there, npm installs them as the lock file says. The folder dir is the user's choice and
// may be such a node_modules itself. Empty means a folder in the user's cache.
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
		return "", errors.New("the command npm is missing. It installs the package @moneykit/connect, which opens Connect in the browser. " +
			"Install Node.js, which brings npm, from https://nodejs.org or with a package manager " +
			"(apt install npm, brew install node, winget install OpenJS.NodeJS), and start this program again")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return "", fmt.Errorf("no folder for the npm packages: set -modules: %w", err)
	}
	// The packages are installed beside dir and renamed at the end, so that an installation that
	// was interrupted is never taken for a complete one.
	partial, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".partial-")
	if err != nil {
		return "", fmt.Errorf("no folder for the npm packages: set -modules: %w", err)
	}
	defer os.RemoveAll(partial) //nolint:errcheck // What is left over does no harm.
	fmt.Fprintln(progress, "installing @moneykit/connect with npm into", dir, "(only this once)")
	if err := npmCI(ctx, npm, partial); err != nil {
		return "", err
	}
	_ = os.Remove(dir) // It may be there and empty, which some systems do not rename over.
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
	command := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	command.Dir = dir
	command.Stdout, command.Stderr = &output, &output
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the installation of the npm packages was interrupted: %w", ctx.Err())
	case err != nil:
		return fmt.Errorf("npm could not install @moneykit/connect (%w). Check that this machine reaches the npm registry, "+
			"or set -modules to a node_modules folder that has the package. npm said:\n%s", err, tail(output.String(), 12))
	case !installed(filepath.Join(dir, "node_modules")):
		return errors.New("npm ended without an error, but did not install @moneykit/connect: check what \"npm ci\" does on this machine")
	}
	return nil
}

// tail returns the last lines of a text, indented.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	all = all[max(0, len(all)-lines):]
	return "  " + strings.Join(all, "\n  ")
}
