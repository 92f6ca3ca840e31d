package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var clone = flag.Bool("clone", false, "check releases of a clone of this repository, with the real tools")

const bom = `{"components": [
	{"name": "example.com/a", "version": "v1.0.0", "evidence": {"licenses": [{"license": {"id": "MIT"}}]}}
]}`

// repository is a small repository with the files that the checks read.
type repository struct {
	t    *testing.T
	dir  string
	bill string // what the scanner prints
	diff error  // the error of apilist
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{t: t, dir: t.TempDir(), bill: bom}
	r.git("init", "-q", "-b", "main")
	r.commit("Begin", map[string]string{
		"go.mod":              "module example.com/m\n\ngo 1.25.0\n",
		"client.go":           "package m\n\nconst (\n\tdefaultX = 1\n\tversion  = \"0.2.0\"\n)\n",
		"CHANGELOG.md":        "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-11-25)\n- One.\n\n## 0.1.0 (2026-10-01)\n- Old.\n",
		"api/m.txt":           "pkg m, func A()\npkg m, func B()\n",
		"internal/x/go.mod":   "module example.com/m/internal/x\n\ngo 1.26.0\n\nreplace example.com/m => ../..\n\nrequire example.com/m v0.0.0\n",
		"internal/x/doc.go":   "package x\n",
		"sqlstore/go.mod":     "module example.com/m/sqlstore\n\ngo 1.26.0\n\nreplace example.com/m => ../\n\nrequire example.com/m v0.2.0\n",
		"sqlstore/testdata/a": "",
	})
	return r
}

func (r *repository) git(args ...string) {
	r.t.Helper()
	args = append([]string{"-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, string(out))
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o644))
}

func (r *repository) commit(subject string, texts map[string]string) {
	r.t.Helper()
	for name, text := range texts {
		r.write(name, text)
	}
	r.git("add", "-A")
	r.git("commit", "-q", "-m", subject)
}

// edit replaces a text in a file and commits it.
func (r *repository) edit(name, old, text string) {
	r.t.Helper()
	before, err := os.ReadFile(filepath.Join(r.dir, name))
	require.NoError(r.t, err)
	require.Contains(r.t, string(before), old)
	r.commit("Change "+name, map[string]string{name: strings.Replace(string(before), old, text, 1)})
}

// check runs the checks with the real git and go mod edit, and with fakes of all other programs.
func (r *repository) check(version string) (string, error) {
	var out bytes.Buffer
	c := &check{dir: r.dir, sbom: filepath.Join(r.dir, ".git", "sbom.json")}
	c.run = func(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
		switch strings.Join(append([]string{name}, args...), " ") {
		case "go run ./internal/apilist -diff":
			return nil, r.diff
		case "go tool -modfile=internal/tools/apart/go.mod cyclonedx-gomod mod -licenses -json .",
			"go tool -modfile=internal/tools/apart/go.mod cyclonedx-gomod mod -licenses -json sqlstore":
			return []byte(r.bill), nil
		}
		return command(ctx, dir, name, args...)
	}
	err := c.release(r.t.Context(), version, &out)
	return out.String(), err
}

func TestRelease(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	out, err := r.check("v0.2.0")
	require.NoError(t, err, out)
	assert.Equal(t, `tag        ok      v0.2.0 does not exist yet
tree       ok      everything is committed
constant   ok      client.go has the version
changelog  ok      CHANGELOG.md has a section 0.2.0 (2026-11-25)
api        ok      api agrees with the code; there is no earlier release to compare it with
modules    ok      example.com/m has no replace directive
                   internal/x replaces the module with the checkout, and is never released
                   sqlstore requires v0.2.0; its own tag is sqlstore/v0.2.0
licences   ok      example.com/a v1.0.0: MIT
`, out)
	sbom, err := os.ReadFile(filepath.Join(r.dir, ".git", "sbom.json"))
	require.NoError(t, err)
	assert.JSONEq(t, bom, string(sbom))

	r.git("tag", "-a", "-m", "v0.2.0", "v0.2.0")
	out, err = r.check("v0.2.0")
	require.NoError(t, err, out)
	assert.Contains(t, out, "v0.2.0 is the tag of this commit")
}

// TestReleaseRefuses makes one change at a time. All other checks must still pass.
func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*repository)
		want   string
	}{
		"another commit's tag": {func(r *repository) {
			r.git("tag", "v0.2.0")
			r.commit("Go on", map[string]string{"a.txt": "a"})
		}, "v0.2.0 is the tag of another commit"},
		"an older version": {func(r *repository) { r.git("tag", "v0.3.0") }, "v0.2.0 is not newer than v0.3.0"},
		"a changed file":   {func(r *repository) { r.write("api/m.txt", "pkg m, func A()\n") }, "not committed:\n                    M api/m.txt"},
		"a new file":       {func(r *repository) { r.write("b.go", "package m\n") }, "?? b.go"},
		"the constant": {
			func(r *repository) { r.edit("client.go", "0.2.0", "0.1.0") },
			`the constant version in client.go is "0.1.0" and must be "0.2.0"`,
		},
		"no constant":     {func(r *repository) { r.edit("client.go", "version", "edition") }, "client.go has no constant version"},
		"no client.go":    {func(r *repository) { r.git("mv", "client.go", "a.go"); r.commit("Move", nil) }, "client.go: no such file"},
		"no changelog":    {func(r *repository) { r.git("mv", "CHANGELOG.md", "a.md"); r.commit("Move", nil) }, "CHANGELOG.md: no such file"},
		"no root module":  {func(r *repository) { r.git("rm", "-q", "go.mod"); r.commit("Remove", nil) }, "no go.mod at its root"},
		"a broken go.mod": {func(r *repository) { r.edit("internal/x/go.mod", "module", "modul") }, "go mod: exit status 1"},
		"no section":      {func(r *repository) { r.edit("CHANGELOG.md", "## 0.2.0", "## 0.2.1") }, "no section such as: ## 0.2.0 (2026-01-31)"},
		"no date":         {func(r *repository) { r.edit("CHANGELOG.md", " (2026-11-25)", "") }, "no section such as"},
		"an empty one":    {func(r *repository) { r.edit("CHANGELOG.md", "- One.\n", "") }, "has nothing under 0.2.0"},
		"lines left":      {func(r *repository) { r.edit("CHANGELOG.md", "Unreleased\n", "Unreleased\n- Two.\n") }, "lines under Unreleased"},
		"an old section":  {func(r *repository) { r.edit("CHANGELOG.md", "Unreleased\n", "0.3.0 (2026-11-26)\n- Three.\n") }, "below that of 0.3.0"},
		"a stale api":     {func(r *repository) { r.diff = errors.New("1 lines of api differ") }, "1 lines of api differ"},
		"removed names": {func(r *repository) {
			r.git("tag", "v0.2.0-alpha") // names of a pre-release may change
			r.git("tag", "v0.1.9")
			r.edit("api/m.txt", "pkg m, func B()\n", "")
			r.edit("client.go", "0.2.0", "0.1.10")
			r.edit("CHANGELOG.md", "## 0.2.0", "## 0.1.10")
			r.edit("sqlstore/go.mod", "v0.2.0", "v0.1.10")
		}, "names of v0.1.9 are removed or changed, which needs a new minor version:\n                   pkg m, func B()"},
		"the root's replace": {
			func(r *repository) { r.edit("go.mod", "go 1.25.0\n", "go 1.25.0\n\nreplace example.com/a => ../a\n") },
			"go.mod replaces example.com/a",
		},
		"the root's exclude": {
			func(r *repository) { r.edit("go.mod", "go 1.25.0\n", "go 1.25.0\n\nexclude example.com/a v1.0.0\n") },
			"go.mod excludes a version of example.com/a",
		},
		"another replace": {
			func(r *repository) { r.edit("internal/x/go.mod", "example.com/m =>", "example.com/a =>") },
			"internal/x/go.mod replaces example.com/a",
		},
		"another requirement": {
			func(r *repository) { r.edit("sqlstore/go.mod", "m v0.2.0", "m v0.1.0") },
			"sqlstore/go.mod requires v0.1.0 of example.com/m and must require v0.2.0",
		},
		"a licence": {
			func(r *repository) { r.bill = strings.Replace(bom, "MIT", "GPL-3.0-only", 1) },
			"not allowed (Apache-2.0, BSD-2-Clause, BSD-3-Clause, ISC, MIT, MPL-2.0 are):\n                   example.com/a v1.0.0: GPL-3.0-only",
		},
		"no licence": {func(r *repository) { r.bill = `{"components": [{"name": "example.com/a"}]}` }, "example.com/a : "},
		"no bill":    {func(r *repository) { r.bill = `{}` }, "the bill of materials is empty"},
		"no JSON":    {func(r *repository) { r.bill = `no` }, "the bill of materials cannot be read"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			tt.change(r)
			version := "v0.2.0"
			if name == "removed names" {
				version = "v0.1.10"
			}
			out, err := r.check(version)
			require.EqualError(t, err, version+" cannot be released: 1 of 7 checks failed", out)
			assert.Contains(t, out, tt.want)
		})
	}
}

// TestSurfaceRules compares v0 and v1 releases that change the exported names.
func TestSurfaceRules(t *testing.T) {
	t.Parallel()
	const same, fewer, more = "pkg m, func A()\npkg m, func B()\n", "pkg m, func A()\n", "pkg m, func A()\npkg m, func B()\npkg m, func C()\n"
	tests := map[string]struct{ last, next, api, want string }{
		"v0 patch, the same": {"v0.2.0", "v0.2.1", same, ""},
		"v0 patch, more":     {"v0.2.0", "v0.2.1", more, ""},
		"v0 patch, fewer":    {"v0.2.0", "v0.2.1", fewer, "needs a new minor version"},
		"v0 minor, fewer":    {"v0.2.0", "v0.3.0", fewer, ""},
		"v1.0.0, fewer":      {"v0.2.0", "v1.0.0", fewer, ""},
		"v1 patch, more":     {"v1.2.0", "v1.2.1", more, "new names need a new minor version"},
		"v1 minor, more":     {"v1.2.0", "v1.3.0", more, ""},
		"v1 minor, fewer":    {"v1.2.0", "v1.3.0", fewer, "needs a new major version"},
		"v2, fewer":          {"v1.2.0", "v2.0.0", fewer, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			r.git("tag", tt.last)
			r.commit("Change", map[string]string{"api/m.txt": tt.api, "a.txt": name})
			out, _ := r.check(tt.next)
			if tt.want == "" {
				assert.Contains(t, out, "api        ok      since "+tt.last)
				return
			}
			assert.Contains(t, out, "api        FAILED")
			assert.Contains(t, out, tt.want)
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	ordered := []string{
		"v0.0.1", "v0.2.0", "v0.10.0", "v1.0.0-1", "v1.0.0-2", "v1.0.0-10", "v1.0.0-alpha", "v1.0.0-alpha.1",
		"v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0", "v2.0.0",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			x, err := parseVersion(a)
			require.NoError(t, err)
			y, err := parseVersion(b)
			require.NoError(t, err)
			assert.Equal(t, a, x.String())
			assert.Equal(t, i < j, x.compare(y) < 0, "%s %s", a, b)
			assert.Equal(t, i == j, x.compare(y) == 0, "%s %s", a, b)
		}
	}
	for _, text := range []string{
		"", "v1", "1.0.0", "v1.0", "v01.0.0", "v1.0.0-", "v1.0.0-01", "v1.0.0-a..b", "v1.0.0+meta", "v1.0.0 ", "v1.0.9999999999",
	} {
		_, err := parseVersion(text)
		require.Error(t, err, text)
	}
	_, err := newRepository(t).check("0.2.0")
	require.EqualError(t, err, `"0.2.0" is not a version such as v0.2.0`)
}

func TestReleaseOutsideARepository(t *testing.T) {
	t.Parallel()
	r := &repository{t: t, dir: t.TempDir(), bill: bom}
	out, err := r.check("v0.2.0")
	require.ErrorContains(t, err, "git tag: exit status 128")
	assert.Empty(t, out)
}

func TestCheckRoot(t *testing.T) {
	t.Parallel()
	var mod goMod
	mod.Module.Path = "example.com/m"
	require.NoError(t, (&check{version: version{major: 1}}).checkRoot(mod))
	require.ErrorContains(t, (&check{version: version{major: 2}}).checkRoot(mod), "must end with /v2")
	mod.Module.Path = "example.com/m/v2"
	require.NoError(t, (&check{version: version{major: 2}}).checkRoot(mod))
}

// TestClone runs .ci/release-check in a clone of this repository, as docs/releasing.md says.
func TestClone(t *testing.T) {
	t.Parallel()
	if !*clone {
		return
	}
	r := &repository{t: t, dir: t.TempDir()}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	r.git("clone", "-q", "--no-tags", root, ".")
	check := func(version string) (string, error) {
		cmd := exec.CommandContext(t.Context(), ".ci/release-check", "-sbom", ".git/sbom.json", version)
		cmd.Dir = r.dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	text, err := os.ReadFile(filepath.Join(r.dir, "client.go"))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "\tversion           = \"")
	number, _, found := strings.Cut(rest, "\"")
	require.True(t, found)
	released := "v" + number

	const unreleased = "github.com/moneykit/moneykit-go v0.0.0-00010101000000-000000000000"
	r.edit("sqlstore/go.mod", unreleased, "github.com/moneykit/moneykit-go "+released)

	out, err := check(released)
	require.Error(t, err)
	assert.Contains(t, out, "lines under Unreleased")
	assert.Contains(t, out, "1 of 7 checks failed")

	r.edit("CHANGELOG.md", "## Unreleased", "## Unreleased\n\n## "+number+" (2026-11-25)")
	out, err = check(released)
	require.NoError(t, err, out)
	assert.Contains(t, out, "golang-jwt/jwt/v5 v5.3.1: MIT")
	sbom, err := os.ReadFile(filepath.Join(r.dir, ".git", "sbom.json"))
	require.NoError(t, err)
	assert.Contains(t, string(sbom), "pkg:golang/github.com/golang-jwt/jwt/v5@v5.3.1")
	r.git("tag", released)

	// The next version has a name that api lacks, a file that is not committed, a replace directive
	// and no section.
	r.commit("Add a constant", map[string]string{"new.go": "package moneykit\n\n// New is new.\nconst New = 1\n"})
	r.edit("go.mod", "go 1.25.0\n", "go 1.25.0\n\nreplace github.com/google/uuid => github.com/google/uuid v1.6.0\n")
	r.write("untracked.txt", "")
	out, err = check("v0.99.0")
	require.Error(t, err)
	for _, want := range []string{
		"?? untracked.txt", `must be "0.99.0"`, "no section such as: ## 0.99.0", "+pkg moneykit, const New untyped int = 1",
		"go.mod replaces github.com/google/uuid", "5 of 7 checks failed",
	} {
		assert.Contains(t, out, want)
	}
	out, err = check(released)
	require.Error(t, err)
	assert.Contains(t, out, released+" is the tag of another commit")
}
