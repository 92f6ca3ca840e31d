package docs

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/moneykit/moneykit-go"

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

// TestCompatibilityNames looks up each name that docs/compatibility.md links to, and a field behind
// the link, in the folder api.
func TestCompatibilityNames(t *testing.T) {
	t.Parallel()
	page := file(t, "docs/compatibility.md")
	form := regexp.MustCompile(`\[([\w.]+)\]\(https://pkg\.go\.dev/` + module + `([\w/]*)#([\w.]+)\)(?:\.(\w+))?`)
	links := form.FindAllStringSubmatch(page, -1)
	require.Len(t, links, strings.Count(page, "pkg.go.dev"), "a link has another form")
	for _, found := range links {
		text, folder, name, field := found[1], strings.Trim(found[2], "/"), found[3], found[4]
		assert.True(t, text == name || strings.HasPrefix(text, name+"."), found[0])
		if field == "" {
			field = strings.TrimPrefix(strings.TrimPrefix(text, name), ".")
		}
		if folder == "" {
			folder = "moneykit"
		}
		names := file(t, "api/"+strings.ReplaceAll(folder, "/", "_")+".txt")
		owner, method, isMethod := strings.Cut(name, ".")
		want := `(type|func|var|const) ` + name + `\b`
		if isMethod {
			want = `method \(\*?` + owner + `\) ` + method + `\(`
		} else if field != "" {
			want = `type ` + name + ` struct, ` + field + ` `
		}
		assert.Regexp(t, `(?m)^pkg `+folder+`, `+want, names, found[0])
	}
}

// TestCompatibilityVersions compares the versions with the files that define them.
func TestCompatibilityVersions(t *testing.T) {
	t.Parallel()
	page := file(t, "docs/compatibility.md")
	oldest := regexp.MustCompile(`(?m)^go (\d+\.\d+)\.0$`).FindStringSubmatch(file(t, "go.mod"))
	require.NotNil(t, oldest)
	assert.Contains(t, page, "| Go | "+oldest[1]+" and newer")
	api := regexp.MustCompile(`defaultAPIVersion = "(.*)"`).FindStringSubmatch(file(t, "client.go"))
	require.NotNil(t, api)
	assert.Contains(t, page, "version "+api[1]+" of MoneyKit's API")
	var npm struct{ DevDependencies map[string]string }
	require.NoError(t, json.Unmarshal([]byte(file(t, "internal/browsertest/package.json")), &npm))
	assert.Contains(t, page, "tested with version "+npm.DevDependencies["@moneykit/connect"]+" of")
	nested := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(file(t, "examples/create-link/go.mod"))
	assert.Contains(t, page, "The nested modules need Go "+nested[1])
}

// rows returns the first two cells of the tables below a heading.
func rows(t *testing.T, page, heading string) (cells [][2]string) {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n"+heading+"\n")
	require.True(t, found, heading)
	level, _, _ := strings.Cut(heading, " ")
	rest, _, _ = strings.Cut(rest, "\n"+level+" ")
	lines := strings.Split(rest, "\n")
	for i, line := range lines {
		next := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---")
		if !strings.HasPrefix(line, "| ") || next {
			continue
		}
		all := strings.Split(line, " | ")
		require.GreaterOrEqual(t, len(all), 2, line)
		cells = append(cells, [2]string{strings.TrimPrefix(all[0], "| "), strings.TrimSuffix(all[1], " |")})
	}
	require.NotEmpty(t, cells, heading)
	return cells
}

// TestCompatibilityDeprecated compares the tables with the comments in the code, and the number of
// their rows with the document.
func TestCompatibilityDeprecated(t *testing.T) {
	t.Parallel()
	var want []string
	for _, dir := range []string{".", "connect", "connect/theme", "moneykittest"} {
		names, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		require.NoError(t, err)
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				want = append(want, deprecated(t, name)...)
			}
		}
	}
	slices.Sort(want)
	var got []string
	all := rows(t, file(t, "docs/compatibility.md"), "## Deprecated")
	for _, row := range all {
		if name, _, ok := strings.Cut(strings.TrimPrefix(row[0], "["), "]("); ok {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	assert.Equal(t, want, got)
	// Settings are deprecated in two schemas, which are one type in Go.
	document := file(t, "internal/openapi/openapi.yaml")
	assert.Equal(t, strings.Count(document, "\n          deprecated: true\n"), len(all)+1)
}

// deprecated returns the names in a file whose comments have a Deprecated paragraph.
func deprecated(t *testing.T, name string) (names []string) {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	require.NoError(t, err)
	says := func(doc *ast.CommentGroup) bool { return strings.Contains("\n"+doc.Text(), "\nDeprecated: ") }
	found := 0
	ast.Inspect(syntax, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range s.Fields.List {
				if says(field.Doc) {
					names = append(names, spec.Name.Name+"."+field.Names[0].Name)
					found++
				}
			}
		}
		return true
	})
	count := 0
	for _, comment := range syntax.Comments {
		if says(comment) {
			count++
		}
	}
	assert.Equal(t, count, found, "%s: something other than a field is deprecated; extend this test and the page", name)
	return names
}

// limits are the rows of docs/compatibility.md, with the place in the code that has the number.
// Each group of the expression is a number.
var limits = map[string][2]string{
	"an attempt without a deadline":                   {"client.go", `defaultTimeout += (.*)`},
	"connecting, and the TLS handshake":               {"internal/transport/wire.go", `TLSHandshakeTimeout: +(.*),`},
	"retries":                                         {"options.go", `retries = (3)\n`},
	"the first wait before a retry":                   {"options.go", `cmp\.Or\(p\.MinWait, (.*)\)`},
	"each wait before a retry":                        {"options.go", `cmp\.Or\(p\.MaxWait, (.*)\)`},
	"a response body, decompressed":                   {"client.go", `defaultMaxBytes += (.*)`},
	"a response header":                               {"internal/transport/wire.go", `maxHeader = (.*)`},
	"MoneyKit's message in an error":                  {"errorbody.go", `maxErrorText += (.*)`},
	"fields in an error":                              {"errorbody.go", `maxErrorFields = (.*)`},
	"a decimal number":                                {"decimal.go", `maxDecimalLen = (.*)`},
	"the exponent of a decimal number":                {"decimal.go", `maxDecimalExp = (.*)`},
	"a user's id":                                     {"validate.go", `minUserID, maxUserID = (.*), (.*)`},
	"an email address":                                {"validate.go", `minEmail, maxEmail += (.*), (.*)`},
	"a phone number":                                  {"validate.go", `minPhone, maxPhone += (.*), (.*)`},
	"a webhook":                                       {"validate.go", `maxURL += (.*)`},
	"a tag":                                           {"validate.go", `maxTag += (.*)`},
	"an import":                                       {"links.go", `maxImport = (.*)`},
	"changes of transactions in a page":               {"transactions.go", `maxSync = (.*)`},
	"a result of Connect":                             {"payload.go", `maxConnectPayload = (.*)`},
	"an event of Connect":                             {"payload.go", `maxConnectPayload = (.*)`},
	"the query of a return from a bank":               {"oauth.go", `maxOAuthQuery = (.*)`},
	"a result is remembered for":                      {"exchange.go", `finishMemory = (.*)`},
	"a relink session is returned again for":          {"relink.go", `relinkReuse = (.*)`},
	"links that a client remembers for each of these": {"relink.go", `maxRemembered = (.*)`},
	"posts of a user to a handler":                    {"connect/limit.go", `maxPosts = (.*)`},
	"users that a handler counts":                     {"connect/limit.go", `maxUsers = (.*)`},
	"the body of a post other than a result":          {"connect/post.go", `maxBody = (.*)`},
	"the body of a webhook":                           {"events.go", `maxEvent = (.*)`},
	"age of a signature":                              {"webhook.go", `cmp\.Or\(ages\.Past, (.*)\)`},
	"a signature in the future":                       {"webhook.go", `cmp\.Or\(ages\.Future, (.*)\)`},
	"keys are cached for":                             {"webhook.go", `cmp\.Or\(keyLife, (.*)\)`},
	"keys are cached at most":                         {"internal/jws/cache.go", `MaxLife = (.*)`},
	"an unknown key is looked for every":              {"internal/jws/cache.go", `unknownPause = (.*)`},
	"the key set":                                     {"internal/jws/keyset.go", `MaxKeySet = (.*)`},
	"keys in it":                                      {"internal/jws/keyset.go", `maxKeys = (.*)`},
	"a function handles an event for":                 {"webhookhandler.go", `dedupeLease = (.*)`},
	"events that a MemoryDeduper remembers":           {"dedupe.go", `defaultDedupeLimit = (.*)`},
	"they are remembered for":                         {"dedupe.go", `defaultDedupeAge += (.*)`},
}

// TestCompatibilityLimits compares the numbers with the code.
func TestCompatibilityLimits(t *testing.T) {
	t.Parallel()
	all := rows(t, file(t, "docs/compatibility.md"), "## Limits")
	for _, row := range all {
		place, ok := limits[row[0]]
		if !assert.True(t, ok, "no test of the row: %s", row[0]) {
			continue
		}
		found := regexp.MustCompile(place[1]).FindAllStringSubmatch(file(t, place[0]), -1)
		if !assert.Len(t, found, 1, row[0]) {
			continue
		}
		var want []int64
		for _, expression := range found[0][1:] {
			want = append(want, evaluate(t, expression))
		}
		assert.Equal(t, want, quantities(t, row[1]), row[0])
	}
	assert.Len(t, all, len(limits))
}

// evaluate returns the value of an expression of numbers and units of package time.
func evaluate(t *testing.T, expression string) int64 {
	t.Helper()
	units := strings.NewReplacer(
		"time.Hour", strconv.FormatInt(int64(time.Hour), 10), "time.Minute", strconv.FormatInt(int64(time.Minute), 10),
		"time.Second", strconv.FormatInt(int64(time.Second), 10), "time.Millisecond", strconv.FormatInt(int64(time.Millisecond), 10),
	)
	value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, units.Replace(expression))
	require.NoError(t, err, expression)
	n, exact := constant.Int64Val(value.Value)
	require.True(t, exact, expression)
	return n
}

// quantities reads a cell such as "2 h 15 min", "32 MiB" or "4 to 30 characters".
func quantities(t *testing.T, cell string) (all []int64) {
	t.Helper()
	units := map[string]int64{
		"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "ms": int64(time.Millisecond), "s": int64(time.Second),
		"min": int64(time.Minute), "h": int64(time.Hour),
	}
	for part := range strings.SplitSeq(cell, " to ") {
		sum := int64(0)
		for _, found := range regexp.MustCompile(`([\d,]+)(?: (KiB|MiB|ms|s|min|h)\b)?`).FindAllStringSubmatch(part, -1) {
			n, err := strconv.ParseInt(strings.ReplaceAll(found[1], ",", ""), 10, 64)
			require.NoError(t, err, cell)
			sum += n * units[found[2]]
		}
		all = append(all, sum)
	}
	return all
}
