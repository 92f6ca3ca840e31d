package connect_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/internal/docs"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// The placeholders of the pages for a token, an ID and a handle.
const (
	sampleToken  = "exchangeable_7Rk3"
	sampleLink   = "mk_4Yb8"
	sampleHandle = "link_R1RQbRUfa3anBsTO0H78_tZ0"
)

func blocks(tb testing.TB, page string) []docs.Block {
	tb.Helper()
	found, err := docs.Blocks(filepath.Join("..", "docs", page))
	require.NoError(tb, err)
	return found
}

// TestDocsJSON posts the JSON of each page to the back end of the page, and checks that it has the
// effect that the page describes.
func TestDocsJSON(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		t.Run(p.page, func(t *testing.T) {
			t.Parallel()
			b, seen := p.start(t), map[string]bool{}
			responses := map[string]string{} // to results, by outcome
			for _, block := range blocks(t, p.page) {
				if block.Lang != "json" {
					continue
				}
				seen[strings.TrimSpace(block.Kind+" "+block.Want)] = true
				b.checkJSON(t, p, block, responses)
			}
			for _, kind := range []string{
				"session", "launch", "result linked", "result exited", "result relinked", "settled linked", "settled exited",
				"relink", "disconnect", "event select_institution", "error expired",
			} {
				assert.True(t, seen[kind], "the page has no block json %s", kind)
			}
		})
	}
}

// checkJSON checks a block by its kind.
func (b *backend) checkJSON(t *testing.T, p platform, block docs.Block, responses map[string]string) {
	t.Helper()
	require.True(t, json.Valid([]byte(block.Text)), "%s: the block is not JSON", block)
	b.hooks = nil
	switch block.Kind {
	case "session":
		assert.Equal(t, http.StatusOK, b.post(t, "session"+p.query, block.Text).Code, block)
	case "launch":
		var sample connect.Launch
		require.NoError(t, json.Unmarshal([]byte(block.Text), &sample), block)
		launch := b.post(t, "session"+p.query, `{}`).Body.String()
		assert.Subset(t, shape(t, launch), shape(t, block.Text), block)
		assert.Equal(t, connect.LaunchLink, sample.Call, block)
	case "result":
		body := b.sampleResult(t, p, block)
		w := b.post(t, "result", body)
		if block.Want == "refused" {
			problem := refused(t, w, http.StatusUnprocessableEntity, "invalid_request")
			assert.Contains(t, problem.Detail, "must have the exchangeable token", block)
			return
		}
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", block, w.Body)
		var settled struct{ Outcome, Link string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &settled))
		assert.Equal(t, block.Want, settled.Outcome, block)
		if block.Want != "exited" {
			assert.Equal(t, []string{"store " + me}, b.hooks, block)
			assert.Equal(t, settled.Link, connect.LinkHandle(me, b.links[len(b.links)-1].ID), block)
			assert.Equal(t, w.Body.String(), b.post(t, "result", body).Body.String(), "%s is posted again", block)
		}
		responses[block.Want] = w.Body.String()
	case "settled": // the response to the last result before it
		require.Contains(t, responses, block.Want, block)
		assert.Equal(t, shape(t, responses[block.Want]), shape(t, block.Text), block)
		var settled struct{ Outcome string }
		require.NoError(t, json.Unmarshal([]byte(block.Text), &settled))
		assert.Equal(t, block.Want, settled.Outcome, block)
	case "relink":
		w := b.post(t, "relink"+p.query, sample(block.Text, "", b.broken().ID))
		assert.Equal(t, http.StatusOK, w.Code, "%s: %s", block, w.Body)
	case "disconnect":
		w := b.post(t, "disconnect", sample(block.Text, "", b.mk.AddLink(moneykittest.LinkSpec{UserID: me}).ID))
		assert.Equal(t, http.StatusNoContent, w.Code, "%s: %s", block, w.Body)
		assert.Equal(t, []string{"forget " + me}, b.hooks, block)
	case "event":
		assert.Equal(t, http.StatusNoContent, b.post(t, "event", block.Text).Code, block)
		event, err := moneykit.ParseConnectEvent([]byte(block.Text))
		require.NoError(t, err, block)
		assert.Equal(t, block.Want, string(event.Name), block)
		assert.True(t, event.Name.Known(), block)
	case "error":
		require.Equal(t, "expired", block.Want, block)
		assert.JSONEq(t, block.Text, withoutDetail(t, b.post(t, "result", `{"result":["unknown"]}`)), block)
	case "apple-app-site-association":
		assert.JSONEq(t, block.Text, b.get(t, connect.AppleAppSiteAssociationPath), block)
	case "assetlinks":
		assert.JSONEq(t, block.Text, b.get(t, connect.AssetLinksPath), block)
	default:
		assert.Fail(t, "a block of JSON has no known kind", "%s", block)
	}
}

// sampleResult returns a result of a page, with a token and a link that exist.
func (b *backend) sampleResult(t *testing.T, p platform, block docs.Block) string {
	t.Helper()
	if block.Want == "relinked" {
		link := b.broken()
		b.mk.Connect(b.launch(t, p, connect.LinkHandle(me, link.ID)).Token, p.source, moneykittest.Play{})
		return sample(block.Text, "", link.ID)
	}
	played := parsed(t, string(b.mk.Connect(b.launch(t, p, "").Token, moneykit.ConnectIOS, moneykittest.Play{})))
	return sample(block.Text, played.ExchangeableToken, played.LinkID)
}

// sample replaces the placeholders of a page by real values.
func sample(text, token, linkID string) string {
	return strings.NewReplacer(sampleToken, token, sampleLink, linkID, sampleHandle, connect.LinkHandle(me, linkID)).Replace(text)
}

func (b *backend) get(tb testing.TB, path string) string {
	tb.Helper()
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "https://app.example"+path, nil))
	require.Equal(tb, http.StatusOK, w.Code, w.Body)
	return w.Body.String()
}

// withoutDetail returns the JSON of an error without the detail for developers.
func withoutDetail(tb testing.TB, w *httptest.ResponseRecorder) string {
	tb.Helper()
	var answer map[string]map[string]any
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &answer))
	assert.NotEmpty(tb, answer["error"]["detail"])
	delete(answer["error"], "detail")
	data, err := json.Marshal(answer)
	require.NoError(tb, err)
	return string(data)
}

// shape returns the paths of the members of an object, sorted.
func shape(tb testing.TB, text string) (paths []string) {
	tb.Helper()
	var value any
	require.NoError(tb, json.Unmarshal([]byte(text), &value))
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if object, ok := v.(map[string]any); ok {
			for name, member := range object {
				paths = append(paths, path+"."+name)
				walk(path+"."+name, member)
			}
		}
	}
	walk("", value)
	slices.Sort(paths)
	return paths
}

// TestDocsGo compares the Go of all pages to code that is compiled and run. Whole files are
// programs, declarations are in tests of nested modules, and all other blocks are part of an
// example or of a test of pages.
func TestDocsGo(t *testing.T) {
	t.Parallel()
	read := func(patterns ...string) (texts []string) {
		for _, pattern := range patterns {
			paths, err := filepath.Glob(filepath.FromSlash(pattern))
			require.NoError(t, err)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				texts = append(texts, string(text))
			}
		}
		return texts
	}
	programs := read("../examples/*/*.go", "../*/example*_test.go")
	parts := strings.Join(read("../example*_test.go", "../*/example*_test.go", "docs*_test.go"), "\n")
	declarations := strings.Join(read("../internal/conformance/*/*_test.go"), "\n")
	pages, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	require.NoError(t, err)
	for _, page := range pages {
		for _, block := range blocks(t, filepath.Base(page)) {
			indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block.Text, "\t$1")
			switch {
			case block.Lang != "go" || slices.Contains(programs, block.Text) || strings.Contains(declarations, block.Text):
			case strings.HasPrefix(block.Text, "package "):
				assert.Fail(t, "a block of Go is not a file", "%s", block)
			case !strings.Contains(parts, indented):
				assert.Fail(t, "a block of Go is in no example and no test", "%s", block)
			}
		}
	}
}

// TestDocsForward opens an app's redirect URI in a browser, with the settings that the pages show.
func TestDocsForward(t *testing.T) {
	t.Parallel()
	check := func(forward connect.ReturnPageConfig, uri, location string) {
		handler, err := connect.NewHandler(moneykittest.NewServer(t).Client(), connect.Config{
			RedirectURI:       "https://app.example/connect/oauth",
			OtherRedirectURIs: []string{uri},
			User:              userFromHeader,
			ReturnPage:        forward,
		})
		require.NoError(t, err)
		for address, want := range map[string]string{uri: location + "?code=c&state=s", "https://app.example/connect/oauth": ""} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address+"?code=c&state=s", nil))
			assert.Equal(t, want, w.Header().Get("Location"))
		}
	}
	check(forwardToIOS(), "https://app.example/ios/oauth", "myfinanceapp://oauth")
	check(forwardToAndroid(), "https://app.example/android/oauth", "mymoneyapp://oauth")
}

func forwardToIOS() connect.ReturnPageConfig {
	forward := connect.ReturnPageConfig{
		ForwardTargets: []string{"myfinanceapp://oauth"},
		Forward: func(r *http.Request) string {
			if r.URL.Path == "/ios/oauth" {
				return "myfinanceapp://oauth"
			}
			return "" // the page of the web
		},
	}
	return forward
}

func forwardToAndroid() connect.ReturnPageConfig {
	forward := connect.ReturnPageConfig{
		ForwardTargets: []string{"mymoneyapp://oauth"},
		Forward: func(r *http.Request) string {
			if r.URL.Path == "/android/oauth" {
				return "mymoneyapp://oauth"
			}
			return "" // the page of the web
		},
	}
	return forward
}

// TestDocsPlatforms plays each version of Connect from the session to every kind of ending, and
// posts the bodies that the code of the page writes.
func TestDocsPlatforms(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		for _, version := range p.versions {
			t.Run(p.page+" "+version, func(t *testing.T) {
				t.Parallel()
				b, body := p.start(t), newBodies(t, p)
				settle := func(payload []byte, handle string) (answer struct{ Outcome, Link, Message string }) {
					w := b.post(t, "result", body(payload, handle))
					require.Equal(t, http.StatusOK, w.Code, "%s gives %s", body(payload, handle), w.Body)
					require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
					return answer
				}
				connectAs := func(handle string, play moneykittest.Play) []byte {
					play.Version = version
					return b.mk.Connect(b.launch(t, p, handle).Token, p.source, play)
				}

				linked := settle(connectAs("", moneykittest.Play{}), "")
				assert.Equal(t, "linked", linked.Outcome)
				assert.Equal(t, moneykit.LinkStateConnected, b.links[0].State)

				token := b.launch(t, p, "").Token
				play := moneykittest.Play{Institution: moneykittest.OAuthBank, Version: version}
				back := b.mk.Authorize(token, play)
				assert.True(t, strings.HasPrefix(back, p.redirect+"?"), back)
				assert.Equal(t, "linked", settle(b.mk.Continue(token, back, p.source, play), "").Outcome)

				b.mk.Break(b.links[0].ID, moneykit.LinkErrorAuthExpired)
				relinked := settle(connectAs(linked.Link, moneykittest.Play{}), linked.Link)
				assert.Equal(t, "relinked", relinked.Outcome)
				assert.Equal(t, linked.Link, relinked.Link)

				assert.Equal(t, "exited", settle(connectAs("", moneykittest.Play{Leave: true}), "").Outcome)
				failed := settle(connectAs("", moneykittest.Play{Exit: &moneykit.ConnectError{
					ID: "some_error", DisplayedMessage: "It did not work.", RequestID: "req_1",
				}}), "")
				assert.Equal(t, "exited", failed.Outcome)
				if version != "2.9.0-android" && version != "3-android" { // They report no errors.
					assert.Equal(t, "It did not work.", failed.Message)
				}

				w := b.post(t, "disconnect", fmt.Sprintf(`{"link":%q}`, linked.Link))
				assert.Equal(t, http.StatusNoContent, w.Code, w.Body)
				assert.Equal(t, []string{"store " + me, "store " + me, "store " + me, "forget " + me}, b.hooks)
			})
		}
	}
}
