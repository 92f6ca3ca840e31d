package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		bad  []string
		good string
	}{
		"resume": {
			[]string{"A run that dies is gone on with by the next.", "the copy is gone\n// on with", "was gone on from", "It goes on with it."},
			"If a run fails, the next one resumes it.",
		},
		"whose": {[]string{"ClaimState says whose an event is.", "It tells whose"}, "ClaimState is the outcome of a claim."},
		"implements": {
			[]string{"Claim is as [Deduper] has it.", "in the form as the document has it", "as\n\t// MoneyKit has it", "as [a.B] have them"},
			"Claim implements [Deduper]. The log always has it.",
		},
		"refetch": {[]string{"the data of a link fetched anew", "Read anew."}, "Products refreshes a link's data from a new bank."},
		"CORS":    {[]string{"That is a matter of CORS, in front of the handler."}, "The handler sends no CORS headers. It does not matter."},
		"word":    {[]string{"The result is the browser's word.", "nobody's word"}, "The result comes from the browser. These are MoneyKit's words."},
		"empty":   {[]string{"AccountIDs selects the accounts. All when empty.", "all if empty"}, "Empty means all."},
		"filters": {[]string{"AccountListParams narrows get_accounts.", "narrows the list"}, "AccountListParams filters [List]. A narrower one."},
		"allows":  {[]string{"opens a session also for a link"}, "EvenConnected allows relinking a connected link."},
		"errors":  {[]string{"It fails and is repeated like [List]."}, "Errors and retries are those of [List]."},
		"retries": {
			[]string{"repeated after network failures", "tried again after network errors", "retried after\n// network failures"},
			"Retried like any read.",
		},
		"temporary": {[]string{"it mends itself; try later", "They heal themselves."}, "temporary; try again later"},
		"counts":    {[]string{"KeyStats counts what was done to have MoneyKit's keys.", "what is done to get it"}, "It counts fetches."},
		"refused": {
			[]string{
				"What is refused is logged with the reason.", "what cannot be read is not known", "What is left out is lost.",
				"what is not signed is refused", "What is not a flag is not known",
			},
			"Refused deliveries are logged. It sets what is signed and what is sent.",
		},
		"response":  {[]string{"the sender is told nothing"}, "The response never says why."},
		"inversion": {[]string{"who the user is, only your session says"}, "Your session says who the user is."},
		"noun":      {[]string{"the error is that of the relink", "It drops what was there."}, "The error is the relink's."},
		"retry":     {[]string{"the loop that repeats requests", "repeat the call"}, "The loop retries requests."},
		"metaphor":  {[]string{"Let no two clocks ring at once", "what a user trips over"}, "Spread the token refreshes of several clients"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range tt.bad {
				assert.NotEmpty(t, find("a.go", "// "+text+"\n"), text)
			}
			assert.Empty(t, find("a.go", "// "+tt.good+"\n"), tt.good)
		})
	}
}

func TestFindLines(t *testing.T) {
	t.Parallel()
	text := "package a\n\n// A is read\n// anew.\n\nconst A = \"all\" +\n\t`b` // Narrows\n# a copy is gone\n#   on with\n"
	var lines []int
	for _, h := range find("a.go", text) {
		lines = append(lines, h.line)
	}
	assert.Equal(t, []int{4, 7, 8}, lines)
	assert.Empty(t, find("doc.go", "// is retried after network errors\n"), "one place says it")
	assert.Len(t, find("sub/doc.go", "// is retried after network errors\n"), 1)
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go":              "package a\n\n// A is read anew.\nconst A = \"anew\"\n",
		"b.md":              "A result is the browser's\nword.\n",
		"CHANGELOG.md":      "## Unreleased\n- Read anew.\n\n## 0.1.0 (2026-01-31)\n- Read anew.\n",
		"a.gen.go":          "// anew\n",
		"api/a.txt":         "anew\n",
		"testdata/a.txt":    "anew\n",
		"go.sum":            "anew\n",
		"image.png":         "anew \xff\n",
		"untracked/file.go": "// anew\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"rm", "-q", "--cached", "untracked/file.go"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	var out bytes.Buffer
	require.EqualError(t, run(t.Context(), dir, false, &out), "4 phrases")
	assert.Equal(t, `CHANGELOG.md:2: "anew": write: again, refresh or refetch
a.go:3: "anew": write: again, refresh or refetch
a.go:4: "anew": write: again, refresh or refetch
b.md:1: "browser's word": write: comes from X and is not verified
`, out.String())
	out.Reset()
	require.EqualError(t, run(t.Context(), dir, true, &out), "4 phrases")
	assert.Equal(t, "   1 CHANGELOG.md\n   2 a.go\n   1 b.md\n", out.String())
	require.ErrorContains(t, run(t.Context(), filepath.Join(dir, "none"), false, &out), "git ls-files")
}
