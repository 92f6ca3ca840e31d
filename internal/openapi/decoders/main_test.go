package main

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// files is a package moneykit with the types in types.gen.go.
func files(types string) fstest.MapFS {
	return fstest.MapFS{
		"types.gen.go":   {Data: []byte("package moneykit\n" + types)},
		"links.go":       {Data: []byte("package moneykit\nfunc get() { call[Link](ctx); other[Account](ctx) }")},
		"links_test.go":  {Data: []byte("package moneykit\nfunc get() { call[Nothing](ctx) }")},
		"decode.gen.go":  {Data: []byte("not Go")},
		"testdata/a.go":  {Data: []byte("not Go")},
		"docs/README.md": {Data: []byte("# not Go")},
	}
}

func TestDecodersAreUpToDate(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	want, err := os.ReadFile(filepath.Join(root, "decode.gen.go"))
	require.NoError(t, err)
	got, err := generate(os.DirFS(root))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "go generate ./internal/openapi")
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	got, err := generate(files(`
type State string
type Link struct {
	ID       string ` + "`json:\"link_id\"`" + `
	State    State ` + "`json:\"state,omitempty\"`" + `
	States   []State ` + "`json:\"states\"`" + `
	Tags     []string ` + "`json:\"tags\"`" + `
	Open     bool ` + "`json:\"open\"`" + `
	Count    int ` + "`json:\"count\"`" + `
	Share    *float64 ` + "`json:\"share\"`" + `
	Amount   Decimal ` + "`json:\"amount\"`" + `
	Limit    *Decimal ` + "`json:\"limit\"`" + `
	On       Date ` + "`json:\"on\"`" + `
	Part     Part ` + "`json:\"part\"`" + `
	Maybe    *Part ` + "`json:\"maybe\"`" + `
	Parts    []Part ` + "`json:\"parts\"`" + `
	ByName   map[string]Part ` + "`json:\"by_name\"`" + `
}
type Part struct { At Timestamp ` + "`json:\"at\"`" + ` }
type Account struct { Any any ` + "`json:\"any\"`" + ` }
`))
	require.NoError(t, err)
	for _, want := range []string{
		`func (*Link) idName() string { return "link_id" }`, "case \"link_id\":\n\t\tc.Text(&v.ID)", "decodeText(c, &v.State)",
		"decodeTexts(c, &v.States)",
		"decodeTexts(c, &v.Tags)", "c.Bool(&v.Open)", "c.Int(&v.Count)", "decodeFloat(c, &v.Share)", "v.Amount.decode(c)",
		"decodeScalar(c, &v.Limit)",
		"v.On.decode(c)", "decodeObject(c, &v.Part)", "decodePointer(c, &v.Maybe)", "decodeObjects(c, &v.Parts)", "decodeMap(c, &v.ByName)",
		"func (v *Part) member(", "v.At.decode(c)",
	} {
		assert.Contains(t, string(got), want)
	}
	assert.NotContains(t, string(got), "Account", "it is in no response")
	assert.NotContains(t, string(got), "*Part) idName")
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	for types, want := range map[string]string{
		"":                 "no struct Link",
		"type Link string": "no struct Link",
		"type Link struct { Part }\ntype Part struct{}":                             "without a name",
		"type Link struct { A string }":                                             "without a name or a tag",
		"type Link struct { A any `json:\"a\"` }":                                   "Link.A: no decoder",
		"type Link struct { A *string `json:\"a\"` }":                               "Link.A: no decoder",
		"type Link struct { A []int `json:\"a\"` }":                                 "Link.A: no decoder",
		"type Link struct { A map[int]Link `json:\"a\"` }":                          "Link.A: no decoder",
		"type Link struct { A struct{} `json:\"a\"` }":                              "Link.A: no decoder",
		"type Link struct { A string `json:\",omitempty\"` }":                       "Link.A: no decoder",
		"type Link struct { A string `json:\"linkID\"` }":                           "Link.A: the name of the member is not in lower case",
		"type Link struct { A P `json:\"a\"` }\ntype P struct {B any `json:\"b\"`}": "P.B: no decoder",
		"type Link struct {":                                                        "expected",
	} {
		_, err := generate(files(types))
		assert.ErrorContains(t, err, want, types)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "types.gen.go"), []byte("package moneykit"), 0o600))
	require.NoError(t, run(dir))
	assert.FileExists(t, filepath.Join(dir, "decode.gen.go"))
	require.Error(t, run(filepath.Join(dir, "nothing")))
}
