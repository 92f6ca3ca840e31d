package main

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The folders with rules.
const (
	rootDir    = "."
	connectDir = "connect"
	themeDir   = "connect/theme"
	fakeDir    = "moneykittest"
	storeDir   = "sqlstore"
	sandboxDir = "internal/sandbox"
	worldDir   = "internal/sandbox/world"
)

// imports finds forbidden imports. Tests may import anything, except for tests of the sandbox's
// world.
func (t *tree) imports() (found []string) {
	programs := map[string]bool{}
	for _, f := range t.files {
		programs[f.dir] = programs[f.dir] || f.syntax.Name.Name == "main" && !f.test
	}
	for _, f := range t.files {
		for _, imported := range imported(f) {
			why := ""
			switch {
			case f.dir == worldDir && within(imported, "net/http"):
				why = "the sandbox's world and its tests must not use HTTP"
			case !f.test && !programs[f.dir]:
				why = t.refusal(f.dir, imported)
			}
			if why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", f.name, imported, why))
			}
		}
	}
	for _, dir := range t.below(rootDir) {
		for _, f := range t.files {
			if f.dir != dir || f.test {
				continue
			}
			for _, page := range []string{"html/template", "embed"} {
				if slices.Contains(imported(f), page) {
					found = append(found, fmt.Sprintf("%s imports %s: the root needs neither pages nor files", f.name, page))
				}
			}
		}
	}
	return found
}

// refusal returns the reason why a package must not import another, or "" if it may.
func (t *tree) refusal(dir, imported string) string {
	to, own := t.own(imported)
	if !own {
		standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
		if within(dir, connectDir) || dir == fakeDir || within(dir, storeDir) || within(dir, sandboxDir) {
			return unless(standard, dir+" imports only the standard library and this module")
		}
		return ""
	}
	switch {
	case dir == rootDir:
		return unless(within(to, "internal") && !within(to, sandboxDir), "the root imports only internal packages, and no sandbox")
	case within(dir, themeDir):
		allowed := to == rootDir || within(to, "internal") && !within(to, sandboxDir)
		return unless(allowed, "a theme imports the root and internal packages, and no sandbox")
	case within(dir, connectDir):
		allowed := to == rootDir || within(to, themeDir) || within(to, "internal") && !within(to, sandboxDir)
		return unless(allowed, "connect imports the root, connect/theme and internal packages, and no sandbox")
	case within(dir, fakeDir):
		return unless(to == rootDir || within(to, fakeDir) || within(to, "internal"), "moneykittest imports the root and internal packages")
	case within(dir, storeDir):
		allowed := to == rootDir || within(to, "internal") && !within(to, sandboxDir)
		return unless(allowed, "sqlstore imports the root and internal packages, and no sandbox")
	case within(dir, sandboxDir):
		return sandboxRefusal(dir, to)
	case within(dir, "internal"):
		return unless(within(to, "internal") && !within(to, sandboxDir), "internal packages import one another, and no sandbox")
	}
	return ""
}

// sandboxRefusal is refusal for packages of the sandbox. Its parts import the sandbox's world, but
// not each other. Only sandboxDir itself and moneykittest import all parts.
func sandboxRefusal(dir, to string) string {
	if within(to, connectDir) || within(to, fakeDir) {
		return "the sandbox imports neither connect nor moneykittest"
	}
	if dir == sandboxDir || !within(to, sandboxDir) || within(to, room(dir)) {
		return ""
	}
	return unless(within(to, worldDir) && !within(dir, worldDir), "a part of the sandbox imports the world, and no other part")
}

// room returns the folder of the part to which a folder of the sandbox belongs.
func room(dir string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(dir, sandboxDir+"/"), "/")
	return path.Join(sandboxDir, first)
}

func unless(allowed bool, why string) string {
	if allowed {
		return ""
	}
	return why
}

// own returns the folder of a package of this module.
func (t *tree) own(imported string) (dir string, ok bool) {
	if !within(imported, t.module) {
		return "", false
	}
	return cmp.Or(strings.TrimPrefix(strings.TrimPrefix(imported, t.module), "/"), rootDir), true
}

// below returns the folder of a package, and the folders of all packages of the module that it
// needs.
func (t *tree) below(dir string) []string {
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		for _, f := range t.files {
			if f.dir != dir || f.test {
				continue
			}
			for _, imported := range imported(f) {
				if to, ok := t.own(imported); ok {
					visit(to)
				}
			}
		}
	}
	visit(dir)
	return slices.Sorted(maps.Keys(seen))
}

func imported(f file) (paths []string) {
	for _, spec := range f.syntax.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil { // never fails for parsed code
			paths = append(paths, name)
		}
	}
	return paths
}
