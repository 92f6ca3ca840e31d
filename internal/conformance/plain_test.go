package conformance

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file and the other plain*_test.go call moneykittest like clients in other languages: with
// net/http over TCP, strings and maps, and without code of the SDK.

// plain is such a client and its server.
type plain struct {
	mk         *moneykittest.Server
	url        string
	id, secret string
	token      string
	http       *http.Client
	oracle     *oracle
	heard      *heard // nil to record nothing
	zoneless   bool   // times have no zone, which the oracle reports as an error
}

// heard records the server's responses so far.
type heard struct {
	tally

	failed  map[string]bool   // operations
	members map[member]extent // of successes
}

// member is a member of a schema in the document.
type member struct{ schema, name string }

// extent records the values of a member: present, absent, null.
type extent struct{ value, null, absent bool }

// remember records a response and its members, if the document has it.
func (h *heard) remember(op *openapi3.Operation, x exchange) {
	if h == nil {
		return
	}
	if x.response == nil {
		h.add(x)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed == nil {
		h.failed, h.members = map[string]bool{}, map[member]extent{}
	}
	if x.status >= 400 {
		h.failed[x.operation] = true
		return
	}
	media := op.Responses.Status(x.status).Value.Content["application/json"]
	var body any
	if media == nil || json.Unmarshal(x.got, &body) != nil {
		return
	}
	eachMember(media.Schema, body, func(m member, _ *openapi3.Schema, value any, there bool) {
		e := h.members[m]
		e.value, e.null, e.absent = e.value || value != nil, e.null || there && value == nil, e.absent || !there
		h.members[m] = e
	})
}

// eachMember calls f with all members that a schema has for a value, at any depth.
func eachMember(ref *openapi3.SchemaRef, value any, f func(m member, schema *openapi3.Schema, value any, there bool)) {
	if len(ref.Value.AnyOf) > 0 {
		ref = ref.Value.AnyOf[0] // the other variant is null
	}
	switch v := value.(type) {
	case object:
		for name, property := range ref.Value.Properties {
			value, there := v[name]
			f(member{path.Base(ref.Ref), name}, property.Value, value, there)
			eachMember(property, value, f)
		}
		if other := ref.Value.AdditionalProperties.Schema; other != nil {
			for _, value := range v {
				eachMember(other, value, f)
			}
		}
	case []any:
		for _, item := range v {
			eachMember(ref.Value.Items, item, f)
		}
	}
}

// newPlain serves a moneykittest like a program, and gets an access token.
func newPlain(t *testing.T, seen *heard, opts ...moneykittest.Option) *plain {
	t.Helper()
	o, err := theOracle()
	require.NoError(t, err)
	mk := moneykittest.New(opts...) // A server of a test would report wrong paths as mistakes.
	t.Cleanup(mk.Close)
	server := httptest.NewServer(mk.Handler())
	t.Cleanup(server.Close)
	p := &plain{mk: mk, url: server.URL, oracle: o, heard: seen}
	p.http = &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(p.http.CloseIdleConnections)
	p.id, p.secret = mk.Credentials()
	p.token = p.newToken(t, "")
	return p
}

// newToken gets an access token with a form, as most clients do.
func (p *plain) newToken(t *testing.T, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.id}, "client_secret": {p.secret}}
	if scope != "" {
		form.Set("scope", scope)
	}
	r := p.send(t, http.MethodPost, "/auth/token", form.Encode(), "Content-Type: application/x-www-form-urlencoded")
	body := r.success(t, http.StatusCreated)
	assert.Equal(t, "bearer", body["token_type"])
	return body["access_token"].(string)
}

// answered is a response of the server.
type answered struct {
	operation string
	status    int
	header    http.Header
	text      []byte
	judged    error // the validation error
}

// send sends a request with exactly these headers, written "Name: value".
func (p *plain) send(t *testing.T, method, target, body string, headers ...string) answered {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+target, content)
	require.NoError(t, err)
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ": ")
		require.True(t, ok, h)
		r.Header[http.CanonicalHeaderKey(name)] = append(r.Header[http.CanonicalHeaderKey(name)], value)
	}
	return p.do(t, r)
}

// ask sends a request with the access token, and with a JSON body unless it is empty.
func (p *plain) ask(t *testing.T, method, target, body string, headers ...string) answered {
	t.Helper()
	headers = append(headers, "Authorization: Bearer "+p.token)
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	return p.send(t, method, target, body, headers...)
}

// do sends a request, and the oracle validates the response.
func (p *plain) do(t *testing.T, r *http.Request) answered {
	t.Helper()
	resp, err := p.http.Do(r)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	a := answered{status: resp.StatusCode, header: resp.Header, text: text}
	x, request := p.oracle.judgeAnswer(r, a.status, a.header, text)
	if a.operation = x.operation; !p.zoneless {
		a.judged = x.response
	}
	if a.operation != "" && a.status != http.StatusNoContent {
		assert.Equal(t, int64(len(text)), resp.ContentLength, "the length is announced")
	}
	if request != nil {
		p.heard.remember(request.Route.Operation, x)
	}
	return a
}

// success requires a response that the document has, and returns its body.
func (a answered) success(t *testing.T, status int) object {
	t.Helper()
	require.Equal(t, status, a.status, "%s: %s", a.operation, a.text)
	require.NoError(t, a.judged, "%s: %s", a.operation, a.text)
	if status == http.StatusNoContent {
		assert.Empty(t, a.text)
		assert.NotContains(t, a.header, "Content-Type")
		assert.NotContains(t, a.header, "Content-Length")
		return nil
	}
	assert.Equal(t, []string{"application/json"}, a.header["Content-Type"])
	return decode(t, a.text)
}

// refused requires an error that the document has for the operation, and returns its body.
func (a answered) refused(t *testing.T, status int, code string) object {
	t.Helper()
	require.NoError(t, a.judged, "%s: %s", a.operation, a.text)
	return a.isError(t, status, code)
}

// isError checks every member of the body of an error. An empty code means that there must be no
// error_code.
func (a answered) isError(t *testing.T, status int, code string) object {
	t.Helper()
	require.Equal(t, status, a.status, "%s: %s", a.operation, a.text)
	assert.Equal(t, []string{"application/json"}, a.header["Content-Type"])
	body := decode(t, a.text)
	want := []string{"error_message", "documentation_url"}
	if code != "" {
		want = append(want, "error_code")
		assert.Equal(t, code, body["error_code"])
	}
	message, ok := body["error_message"].(string)
	assert.True(t, ok && message != "" && !strings.ContainsAny(message, "\r\n"), "%q", body["error_message"])
	assert.Nil(t, body["documentation_url"])
	switch code {
	case "link_error.bad_state":
		want = append(want, "link_error_code")
		assert.IsType(t, "", body["link_error_code"])
		assert.NotEmpty(t, body["link_error_code"])
	case "api_error.request.validation_failed":
		want = append(want, "validation_errors")
		problems, _ := body["validation_errors"].([]any)
		assert.NotEmpty(t, problems)
		for _, p := range problems {
			problem := p.(object)
			assert.Len(t, problem, 3, "%s", a.text)
			location, _ := problem["location"].([]any)
			require.NotEmpty(t, location, "%s", a.text)
			assert.Contains(t, []any{"body", "query", "header"}, location[0])
			assert.NotEmpty(t, problem["message"], "%s", a.text)
			assert.NotEmpty(t, problem["type"], "%s", a.text)
		}
	}
	for _, name := range want {
		assert.Contains(t, body, name)
	}
	assert.Len(t, body, len(want), "%s", a.text)
	retry, limited := a.header["Retry-After"]
	require.Equal(t, status == http.StatusTooManyRequests, limited, "Retry-After")
	if limited {
		seconds, err := strconv.Atoi(retry[0])
		assert.True(t, err == nil && seconds > 0, "%q", retry)
	}
	return body
}

// malformed requires a refusal because of one place in the request, written like "body.a.0".
func (a answered) malformed(t *testing.T, place string) {
	t.Helper()
	a.refused(t, http.StatusUnprocessableEntity, "api_error.request.validation_failed")
	assert.Equal(t, []string{place}, a.places(t), "%s: %s", a.operation, a.text)
}

// places returns the places of a request that are refused.
func (a answered) places(t *testing.T) []string {
	t.Helper()
	var places []string
	problems, _ := decode(t, a.text)["validation_errors"].([]any)
	for _, p := range problems {
		var steps []string
		for _, step := range p.(object)["location"].([]any) {
			switch s := step.(type) {
			case string:
				steps = append(steps, s)
			case float64:
				steps = append(steps, strconv.Itoa(int(s)))
			}
		}
		places = append(places, strings.Join(steps, "."))
	}
	return places
}

// play plays the user of a link session in Connect for the web, and returns the payload of the
// callback.
func (p *plain) play(t *testing.T, sessionToken, play string) []any {
	t.Helper()
	body := `{"link_session_token":"` + sessionToken + `","source":"web","play":` + play + `}`
	r := p.send(t, http.MethodPost, moneykittest.PlayPath, body)
	require.Equal(t, http.StatusOK, r.status, "%s", r.text)
	return decode(t, r.text)["result"].([]any)
}

// session opens a link session for a user. more are further members of the body.
func (p *plain) session(t *testing.T, user, more string) string {
	t.Helper()
	body := `{"customer_user":{"id":` + quote(user) + `},"redirect_uri":"https://app.test/oauth"` + more + `}`
	return p.ask(t, http.MethodPost, "/link-session", body).success(t, http.StatusCreated)["link_session_token"].(string)
}

// exchangeable returns the token of a new link that awaits its exchange.
func (p *plain) exchangeable(t *testing.T, user, more, play string) string {
	t.Helper()
	return p.play(t, p.session(t, user, more), play)[0].(string)
}

// link connects a new link and returns its id.
func (p *plain) link(t *testing.T, user, more, play string) string {
	t.Helper()
	body := `{"exchangeable_token":"` + p.exchangeable(t, user, more, play) + `"}`
	exchanged := p.ask(t, http.MethodPost, "/link-session/exchange-token", body).success(t, http.StatusCreated)
	id := exchanged["link_id"].(string)
	assert.Equal(t, id, exchanged["link"].(object)["link_id"])
	return id
}

// quote returns a JSON string.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // cannot happen
	}
	return string(text)
}

// TestPlainFiles checks that the plain clients do not import the SDK.
func TestPlainFiles(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("plain*_test.go")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	const module = "github.com/moneykit/moneykit-go"
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			own := strings.HasPrefix(imported, module)
			assert.False(t, own && imported != module+"/moneykittest", "%s imports %s", name, imported)
		}
	}
}
