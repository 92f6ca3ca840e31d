package ratelimit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/ratelimit"
)

func TestFor(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]ratelimit.Limits{
		"POST /auth/token":                       {Client: 300},
		"POST /link-session":                     {User: 20, App: 1200},
		"GET /links":                             {App: 600},
		"GET /links/{id}":                        {Link: 15, App: 1000},
		"PATCH /links/{id}":                      {Link: 4, App: 600},
		"GET /links/{id}/accounts":               {Link: 4, App: 600},
		"GET /links/{id}/accounts/numbers":       {Link: 3, App: 600},
		"GET /institutions/{institution_id}":     {App: 400},
		"GET /links/{id}/transactions":           {},
		"POST /links/{id}/products":              {},
		"GET /links/mk_1":                        {},
		"get /links":                             {},
		"GET /links/{id}/accounts/{account_id}/": {},
		"":                                       {},
	} {
		limits, ok := ratelimit.For(operation)
		assert.Equal(t, want, limits, operation)
		assert.Equal(t, want != ratelimit.Limits{}, ok, operation)
	}
}

// mention matches an operation in a comment, with its limits. claim matches one of the limits.
var (
	mention = regexp.MustCompile(`\w+ \(([A-Z]+ /[^ )]*)\)((?:, [\d,]+(?: calls a minute)?(?: for an? \w+)?)*)`)
	claim   = regexp.MustCompile(`, ([\d,]+)(?: calls a minute)?(?: for an? (\w+))?`)
)

// TestComments compares the limits in the root package's doc comments with the published limits.
func TestComments(t *testing.T) {
	t.Parallel()
	complete := map[string]bool{}
	for _, comment := range comments(t) {
		for _, m := range mention.FindAllStringSubmatch(comment, -1) {
			var claimed ratelimit.Limits
			for _, c := range claim.FindAllStringSubmatch(m[2], -1) {
				n, err := strconv.Atoi(strings.ReplaceAll(c[1], ",", ""))
				require.NoError(t, err, m[0])
				switch c[2] {
				case "link":
					claimed.Link = n
				case "user":
					claimed.User = n
				case "application":
					claimed.App = n
				case "":
					claimed.Client = n
				default:
					t.Errorf("unknown kind of limit: %s", m[0])
				}
			}
			published, _ := ratelimit.For(m[1])
			for _, pair := range [][2]int{
				{claimed.Link, published.Link}, {claimed.User, published.User}, {claimed.Client, published.Client}, {claimed.App, published.App},
			} {
				assert.True(t, pair[0] == 0 || pair[0] == pair[1], "%s: the published limit is %d", m[0], pair[1])
			}
			complete[m[1]] = complete[m[1]] || claimed == published
		}
	}
	assert.Len(t, complete, 28, "all operations")
	for operation, ok := range complete {
		assert.True(t, ok, "no comment states all limits of %s", operation)
	}
}

// comments returns the doc comments of the root package's methods, each in one line.
func comments(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Doc != nil && fn.Recv != nil {
				all = append(all, strings.Join(strings.Fields(fn.Doc.Text()), " "))
			}
		}
	}
	return all
}

func TestOperations(t *testing.T) {
	t.Parallel()
	assert.Len(t, ratelimit.Operations(), 13)
	for _, operation := range ratelimit.Operations() {
		_, ok := ratelimit.For(operation)
		assert.True(t, ok, operation)
	}
}
