package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// goMod is the output of go mod edit -json.
type goMod struct {
	Module  struct{ Path string }
	Require []struct{ Path, Version string }
	Exclude []struct{ Path, Version string }
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
}

// goModules returns the folders of all modules of the repository, the root first.
func (c *check) goModules(ctx context.Context) (dirs []string, err error) {
	files, err := c.git(ctx, "ls-files", "go.mod", "*/go.mod")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		dirs = append(dirs, path.Dir(file))
	}
	slices.Sort(dirs)
	return dirs, nil
}

// published reports whether other programs can import the module in dir. Modules of tests, tools
// and examples are used only from a checkout.
func published(dir string) bool {
	return !slices.ContainsFunc(strings.Split(dir, "/"), func(name string) bool { return name == "internal" || name == "examples" })
}

// checkModules checks replace directives. The go command ignores the replace directives of a
// dependency, so a module with one builds only here.
func (c *check) checkModules(ctx context.Context) (string, error) {
	dirs, err := c.goModules(ctx)
	if err != nil {
		return "", err
	}
	if len(dirs) == 0 || dirs[0] != "." {
		return "", errors.New("the repository has no go.mod at its root")
	}
	var root goMod
	var said []string
	for _, dir := range dirs {
		mod, err := c.goMod(ctx, dir)
		if err != nil {
			return "", err
		}
		if dir == "." {
			root = mod
			said = append(said, root.Module.Path+" has no replace directive")
			err = c.checkRoot(root)
		} else {
			err = c.checkNested(dir, mod, root.Module.Path)
			switch {
			case published(dir):
				said = append(said, fmt.Sprintf("%s requires %s; its own tag is %s/%s", dir, c.version, dir, c.version))
			case len(mod.Replace) > 0:
				said = append(said, dir+" replaces the module with the checkout, and is never released")
			}
		}
		if err != nil {
			return "", err
		}
	}
	return strings.Join(said, "\n"), nil
}

func (c *check) goMod(ctx context.Context, dir string) (mod goMod, err error) {
	out, err := c.run(ctx, filepath.Join(c.dir, filepath.FromSlash(dir)), "go", "mod", "edit", "-json")
	if err != nil {
		return mod, err
	}
	return mod, json.Unmarshal(out, &mod)
}

func (c *check) checkRoot(mod goMod) error {
	suffix := ""
	if c.version.major > 1 {
		suffix = fmt.Sprintf("/v%d", c.version.major)
	}
	switch {
	case len(mod.Replace) > 0:
		return fmt.Errorf("go.mod replaces %s, which users of the module would not get", mod.Replace[0].Old.Path)
	case len(mod.Exclude) > 0:
		return fmt.Errorf("go.mod excludes a version of %s, which users of the module may get", mod.Exclude[0].Path)
	case suffix != "" && !strings.HasSuffix(mod.Module.Path, suffix):
		return fmt.Errorf("the path of the module must end with %s", suffix)
	}
	return nil
}

func (c *check) checkNested(dir string, mod goMod, root string) error {
	for _, replace := range mod.Replace {
		own := replace.Old.Path == root || strings.HasPrefix(replace.Old.Path, root+"/")
		if !own || !strings.HasPrefix(replace.New.Path+"/", "../") {
			return fmt.Errorf("%s/go.mod replaces %s; only modules of this repository may be replaced, with their folders", dir, replace.Old.Path)
		}
	}
	if !published(dir) {
		return nil
	}
	for _, require := range mod.Require {
		if require.Path == root && require.Version != c.version.String() {
			return fmt.Errorf("%s/go.mod requires %s of %s and must require %s", dir, require.Version, root, c.version)
		}
	}
	return nil
}

// bill is the part of a CycloneDX bill of materials that is checked.
type bill struct {
	Components []struct {
		Name     string
		Version  string
		Evidence struct {
			Licenses []struct {
				Expression string
				License    struct{ ID, Name string }
			}
		}
	}
}

// allowed returns the licences that dependencies of a published module may have.
func allowed() []string {
	return []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}
}

// checkLicences lists the dependencies of published modules, with the licences that a scanner finds
// in the files of each module.
func (c *check) checkLicences(ctx context.Context) (string, error) {
	dirs, err := c.goModules(ctx)
	if err != nil {
		return "", err
	}
	var said []string
	for _, dir := range dirs {
		if !published(dir) {
			continue
		}
		text, err := c.run(ctx, c.dir, "go", "tool", "-modfile=internal/tools/apart/go.mod",
			"cyclonedx-gomod", "mod", "-licenses", "-json", dir)
		if err != nil {
			return "", err
		}
		lines, err := licences(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", dir, err)
		}
		said = append(said, lines...)
		if dir == "." && c.sbom != "" {
			if err := os.WriteFile(c.sbom, text, 0o644); err != nil { //nolint:gosec // it is for everybody
				return "", err
			}
		}
	}
	slices.Sort(said)
	return strings.Join(slices.Compact(said), "\n"), nil
}

// licences returns one line for each module, or an error that names the modules whose licence is
// not allowed.
func licences(text []byte) (lines []string, err error) {
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("the bill of materials cannot be read: %w", err)
	}
	if len(b.Components) == 0 {
		return nil, errors.New("the bill of materials is empty")
	}
	var refused []string
	for _, component := range b.Components {
		var names []string
		good := len(component.Evidence.Licenses) > 0
		for _, found := range component.Evidence.Licenses {
			name := found.Expression + found.License.ID + found.License.Name
			good = good && slices.Contains(allowed(), name)
			names = append(names, name)
		}
		line := fmt.Sprintf("%s %s: %s", component.Name, component.Version, strings.Join(names, ", "))
		lines = append(lines, line)
		if !good {
			refused = append(refused, line)
		}
	}
	if refused != nil {
		return nil, fmt.Errorf("licences that are not allowed (%s are):\n%s",
			strings.Join(allowed(), ", "), strings.Join(refused, "\n"))
	}
	return lines, nil
}
