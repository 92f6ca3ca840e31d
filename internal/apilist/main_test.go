package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSurface compares the folder api to the packages of this module.
func TestSurface(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	lists, err := surfaces(t.Context(), root, ".")
	require.NoError(t, err)
	require.Contains(t, lists, "moneykit.txt")
	for name, want := range lists {
		have, err := os.ReadFile(filepath.Join(root, "api", name))
		require.NoError(t, err, "run: go generate ./internal/apilist")
		if lines := difference(have, want); len(lines) > 0 {
			t.Errorf("api/%s differs from the code; if the change is meant, run: go generate ./internal/apilist\n%s",
				name, strings.Join(lines, "\n"))
		}
	}
}

// files writes a module into a new folder.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

const shapes = `package shapes

import (
	"context"
	"time"

	"example.com/m/colors"
)

const (
	Most      = 5
	Red  Name = "red"
	least     = 1
)

type Name string

type Alias = colors.Color

var ErrBad error

type inner struct{ Deep int }

func (inner) Deeply() {}

type Box[K comparable, T any] struct {
	time.Time
	inner
	Items  map[K][]T
	hidden int
}

func (b *Box[K, T]) Put(key K, item T) (old T, err error) { return item, nil }

func (b Box[K, T]) put() {}

type Store interface {
	Save(ctx context.Context, rows ...int) error
	Load() (n int)
}

type Sealed interface{ seal() }

type Number interface{ ~int | ~string }

type Func func(name string, then func(ok bool) error) colors.Color

func Make[T Number](from *T, all ...colors.Color) {}

func unexported() {}
`

func TestRun(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"go.mod":             "module example.com/m\n\ngo 1.25.0\n",
		"shapes.go":          shapes,
		"shapes_test.go":     "package shapes\n\nconst InATest = 1\n",
		"colors/color.go":    "package colors\n\ntype Color int\n",
		"colors/deep/a.go":   "package deep\n\nconst A = 1\n",
		"cmd/x/main.go":      "package main\n\nfunc main() {}\n",
		"internal/x/x.go":    "package x\n\nconst X = 1\n",
		"examples/x/x.go":    "package x\n\nconst X = 1\n",
		"nested/go.mod":      "module example.com/m/nested\n\ngo 1.25.0\n",
		"nested/a.go":        "package nested\n\nconst A = 1\n",
		"examples/y/go.mod":  "module example.com/m/examples/y\n\ngo 1.25.0\n",
		"examples/y/broken":  "",
		"api/gone.txt":       "pkg gone, const A untyped int = 1\n",
		"internal/go.mod.no": "",
	})
	require.NoError(t, run(t.Context(), dir, false, &bytes.Buffer{}))
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, "api", name))
		require.NoError(t, err)
		return string(text)
	}
	assert.Equal(t, `pkg shapes, const Most untyped int = 5
pkg shapes, const Red Name = "red"
pkg shapes, func Make[T Number](*T, ...colors.Color)
pkg shapes, method (*Box[K, T]) Put(K, T) (T, error)
pkg shapes, method (Box[K, T]) Deeply()
pkg shapes, type Alias = colors.Color
pkg shapes, type Box[K comparable, T any] struct
pkg shapes, type Box[K comparable, T any] struct, Deep int
pkg shapes, type Box[K comparable, T any] struct, Items map[K][]T
pkg shapes, type Box[K comparable, T any] struct, embedded time.Time
pkg shapes, type Func func(string, func(bool) error) colors.Color
pkg shapes, type Name string
pkg shapes, type Number interface{~int | ~string}
pkg shapes, type Sealed interface { unexported methods }
pkg shapes, type Store interface { Load, Save }
pkg shapes, type Store interface, Load() int
pkg shapes, type Store interface, Save(context.Context, ...int) error
pkg shapes, var ErrBad error
`, read("shapes.txt"))
	assert.Equal(t, "pkg colors, type Color int\n", read("colors.txt"))
	assert.Equal(t, "pkg colors/deep, const A untyped int = 1\n", read("colors_deep.txt"))
	assert.Equal(t, "pkg nested, const A untyped int = 1\n", read("nested.txt"))
	names, err := filepath.Glob(filepath.Join(dir, "api", "*"))
	require.NoError(t, err)
	assert.Len(t, names, 4, "those of other packages are gone: %s", names)

	var out bytes.Buffer
	require.NoError(t, run(t.Context(), dir, true, &out))
	assert.Empty(t, out.String())

	changed := strings.Replace(shapes, "Load() (n int)", "Load() (n int)\n\tClose()", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "shapes.go"), []byte(changed), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "api", "old.txt"), []byte("pkg old, const A untyped int = 1\n"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(dir, "api", "nested.txt")))
	require.EqualError(t, run(t.Context(), dir, true, &out),
		"5 lines of api differ from the code; if the change is meant, run: go generate ./internal/apilist")
	assert.Equal(t, `api/nested.txt:
+pkg nested, const A untyped int = 1
api/old.txt:
-pkg old, const A untyped int = 1
api/shapes.txt:
+pkg shapes, type Store interface { Close, Load, Save }
-pkg shapes, type Store interface { Load, Save }
+pkg shapes, type Store interface, Close()
`, out.String())
	require.NoError(t, run(t.Context(), dir, false, &out))
	require.NoError(t, run(t.Context(), dir, true, &out))
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	require.EqualError(t, run(t.Context(), t.TempDir(), true, &bytes.Buffer{}), "the folder has no go.mod")
	dir := files(t, map[string]string{"go.mod": "module example.com/m\n\ngo 1.25.0\n", "a.go": "package m\n\nvar A missing\n"})
	require.ErrorContains(t, run(t.Context(), dir, true, &bytes.Buffer{}), "undefined: missing")
}

func TestModules(t *testing.T) {
	t.Parallel()
	found, err := modules(fstest.MapFS{
		"go.mod": {}, "sqlstore/go.mod": {}, "internal/tools/go.mod": {}, "examples/a/go.mod": {},
		"x/testdata/go.mod": {}, "node_modules/x/go.mod": {}, ".x/go.mod": {},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{".", "sqlstore"}, found)
}
