package bodydiff_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/bodydiff"
)

// FuzzExplain checks that Explain stays within its limits for any body, and that it recognizes JSON
// that encoding/json has encoded again.
func FuzzExplain(f *testing.F) {
	for _, body := range shapes(f, 1<<10) {
		f.Add("", body)
	}
	for _, body := range []string{
		"", "{}", bom + "{}", "{\r\n}", ` {"a": [1, {}, "x"]} `, `{"b":1,"a":"\u00e9\ud83d\ude00\ud83d"}`, `"{\"a\":1}"`, `"`, `"\`, `"\u00`,
		"eyJhIjoxfQ==", "%7B%7D", "%7", compress(f, "{}"), compress(f, "{}")[:20], `[ ]`, `{ }`, `[`, `{"a"`, "\xff",
	} {
		f.Add("gzip", []byte(body))
	}
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		sent := bytes.Clone(body)
		says, written := bodydiff.ExplainCounting(encoding, body, sha256.Sum256([]byte("another")))
		require.NotEmpty(t, says)
		require.LessOrEqual(t, written, bodydiff.MaxWritten)
		require.Equal(t, sent, body, "the body was changed")
		if len(body) > 8<<10 || !json.Valid(body) {
			return
		}
		for _, signed := range encodings(t, bytes.TrimSpace(body)) {
			if len(signed) > 64<<10 || bytes.Equal(signed, body) {
				continue
			}
			says, written := bodydiff.ExplainCounting(encoding, body, sha256.Sum256(signed))
			require.Contains(t, []string{encodedAgain, spaceAround, "its line ends were changed to CRLF"}, says, "%q", signed)
			require.LessOrEqual(t, written, bodydiff.MaxWritten)
		}
	})
}

// encodings returns body as encoded by encoding/json in each style that Explain knows.
func encodings(t *testing.T, body []byte) (all [][]byte) {
	t.Helper()
	for _, indent := range []string{"  ", "    ", "\t"} {
		var out bytes.Buffer
		require.NoError(t, json.Indent(&out, body, "", indent))
		all = append(all, out.Bytes())
	}
	var text string
	if json.Unmarshal(body, &text) == nil && body[0] == '"' {
		out, err := json.Marshal(text)
		require.NoError(t, err)
		all = append(all, out)
	}
	return all
}
