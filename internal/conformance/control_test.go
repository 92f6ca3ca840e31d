package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/moneykit/moneykit-go/internal/docs"
)

// This file compares the control API of moneykit-sandbox to docs/control.openapi.json: two
// validators check the requests to a running program, and its responses.

func controlText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/control.openapi.json")
	require.NoError(t, err)
	return text
}

func TestControlDocument(t *testing.T) {
	t.Parallel()
	text := controlText(t)
	assert.False(t, refusedByKin(t, text))
	assert.False(t, refusedByLibopenapi(t, text))
}

// TestDocsYAML reads the settings of containers and CI in docs/testing-languages.md.
func TestDocsYAML(t *testing.T) {
	t.Parallel()
	blocks, err := docs.Blocks("../../docs/testing-languages.md")
	require.NoError(t, err)
	services := map[string][]string{"compose.yaml": {"services", "sandbox"}, ".gitlab-ci.yml": {"test", "services", "0"}}
	seen := 0
	for _, block := range blocks {
		if block.Lang != "yaml" {
			continue
		}
		seen++
		var tree object
		require.NoError(t, yaml.Unmarshal([]byte(block.Text), &tree), block)
		if path := services[block.Kind]; path != nil {
			service := at(t, tree, path...)
			assert.Equal(t, []any{"-control-hosts", "sandbox"}, service["command"], block)
			assert.Contains(t, block.Text, "http://sandbox:8787", block)
		}
	}
	assert.Equal(t, len(services)+1, seen)
}

// sandbox is a running moneykit-sandbox.
type sandbox struct {
	api, control string
	doc          *openapi3.T
	router       routers.Router
	other        validator.Validator
}

// startSandbox builds the program and runs it until the test ends.
func startSandbox(t *testing.T) *sandbox {
	t.Helper()
	file := filepath.Join(t.TempDir(), "moneykit-sandbox")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./cmd/moneykit-sandbox")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	program := exec.CommandContext(t.Context(), file, "-listen", "localhost:0", "-control", "localhost:0", "-no-delivery")
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	s := &sandbox{}
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != "ready"; {
		switch words := strings.Fields(lines.Text()); {
		case len(words) > 1 && words[0] == "API":
			s.api = words[1]
		case len(words) > 1 && words[0] == "Control":
			s.control = strings.TrimSuffix(words[1], ",")
		}
	}
	require.NotEmpty(t, s.control, "the program does not start")
	s.read(t)
	return s
}

// read reads the document for both validators. Results may not have members that it does not list.
func (s *sandbox) read(t *testing.T) {
	t.Helper()
	var tree object
	require.NoError(t, json.Unmarshal(controlText(t), &tree))
	require.NoError(t, closeObjects(tree))
	delete(tree, "servers")
	text := write(t, tree)
	var err error
	s.doc, err = openapi3.NewLoader().LoadFromData(text)
	require.NoError(t, err)
	s.router, err = gorillamux.NewRouter(s.doc)
	require.NoError(t, err)
	doc, err := libopenapi.NewDocumentWithConfiguration(text, &datamodel.DocumentConfiguration{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	var problems []error
	s.other, problems = validator.NewValidator(doc, config.WithFormatAssertions())
	require.Empty(t, problems)
}

// controlled is a response of the control API, and the result of validating its request.
type controlled struct {
	status  int
	body    []byte
	request error
}

// ask sends a request. Its response must be one that the document allows, and both validators must
// agree about the request.
func (s *sandbox) ask(t *testing.T, method, path string, body []byte) controlled {
	t.Helper()
	ctx := t.Context()
	request := func() *http.Request {
		r, err := http.NewRequestWithContext(ctx, method, s.control+path, bytes.NewReader(body))
		require.NoError(t, err)
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/json")
		}
		return r
	}
	response, err := http.DefaultClient.Do(request())
	require.NoError(t, err)
	defer response.Body.Close()
	x := controlled{status: response.StatusCode}
	x.body, err = io.ReadAll(response.Body)
	require.NoError(t, err)

	own := request()
	route, params, err := s.router.FindRoute(own)
	require.NoError(t, err)
	input := &openapi3filter.RequestValidationInput{
		Request: own, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true, MultiError: true},
	}
	x.request = openapi3filter.ValidateRequest(ctx, input)
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: x.status, Header: response.Header, Options: input.Options,
	}
	output.SetBodyBytes(x.body)
	require.NoError(t, openapi3filter.ValidateResponse(ctx, output), "%s %s: %s", path, body, x.body)

	valid, problems := s.other.ValidateHttpRequestSync(request())
	require.Equal(t, x.request == nil, valid, "%s %s: %v, %v", path, body, x.request, problems)
	response.Body = io.NopCloser(bytes.NewReader(x.body))
	valid, problems = s.other.ValidateHttpResponse(request(), response)
	require.True(t, valid, "%s %s: %s: %v", path, body, x.body, problems)
	return x
}

// do sends a request that the document allows and the program accepts, and returns the result.
func (s *sandbox) do(t *testing.T, method, path string, body any) any {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	x := s.ask(t, method, path, text)
	require.NoError(t, x.request, "%s %s", path, text)
	require.Equal(t, http.StatusOK, x.status, "%s %s: %s", path, text, x.body)
	var result any
	require.NoError(t, json.Unmarshal(x.body, &result))
	return result
}

// session opens a link session, as an application does, and returns its token.
func (s *sandbox) session(t *testing.T, bank string) string {
	t.Helper()
	call := func(path, kind, body, authorization, member string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.api+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		var result object
		require.NoError(t, json.NewDecoder(response.Body).Decode(&result))
		require.IsType(t, "", result[member], "%s: %v", path, result)
		return result[member].(string)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"sandbox_client"}, "client_secret": {"sandbox_client_secret"}}
	token := call("/auth/token", "application/x-www-form-urlencoded", form.Encode(), "", "access_token")
	body := `{"customer_user": {"id": "user_0001"}, "redirect_uri": "https://app.example/back", "institution_id": "` + bank + `"}`
	return call("/link-session", "application/json", body, "Bearer "+token, "link_session_token")
}

// examples returns the requests that the document shows, by verb.
func (s *sandbox) examples(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for path, item := range s.doc.Paths.Map() {
		if item.Post == nil {
			continue
		}
		shown := item.Post.RequestBody.Value.Content["application/json"].Example
		require.IsType(t, object{}, shown, path)
		all[strings.TrimPrefix(path, "/control/")] = shown.(object)
	}
	return all
}

// prepare replaces the IDs and tokens of an example by existing ones.
func (s *sandbox) prepare(t *testing.T, verb string, request object, receiver string) {
	t.Helper()
	link := func() string {
		made := s.do(t, http.MethodPost, "/control/link", object{"webhook": receiver, "accounts": nil, "products": nil})
		return made.(object)["id"].(string)
	}
	for name := range request {
		switch name {
		case "link_id":
			request[name] = link()
		case "link_session_token":
			bank := "moneykit-instant-bank"
			if verb == "authorize" || verb == "continue" {
				bank = "moneykit-oauth-bank"
			}
			if verb == "connect" {
				bank = "chase"
			}
			request[name] = s.session(t, bank)
		case "token":
			sent := s.do(t, http.MethodPost, "/control/trigger", object{"link_id": link(), "event": "link.state_changed"})
			request[name] = sent.(object)["token"]
			s.do(t, http.MethodPost, "/control/deliver", object{})
		}
	}
	if verb == "continue" {
		at := s.do(t, http.MethodPost, "/control/authorize", object{"link_session_token": request["link_session_token"]})
		request["return_url"] = at.(object)["return_url"]
	}
}

// lists returns the paths of all readable lists, in order.
func (s *sandbox) lists() (paths []string) {
	for path, item := range s.doc.Paths.Map() {
		if item.Get != nil && path != "/control/events" {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// TestControl sends the example of each verb, and more, and then reads all lists.
func TestControl(t *testing.T) {
	t.Parallel()
	s := startSandbox(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	for _, path := range s.lists() { // before data exists
		s.do(t, http.MethodGet, path, nil)
	}
	examples := s.examples(t)
	assert.Len(t, examples, 18)
	for _, verb := range slices.Sorted(maps.Keys(examples)) {
		s.prepare(t, verb, examples[verb], receiver.URL)
		s.do(t, http.MethodPost, "/control/"+verb, examples[verb])
	}
	account := object{
		"account_id": "", "account_type": "depository.checking", "name": "A", "balances": object{"current": 1.5, "available": "2"},
	}
	for _, request := range []struct {
		verb string
		body object
	}{
		{"connect", object{"link_session_token": s.session(t, "chase"), "source": "web", "play": object{
			"accounts": []any{"depository.checking"}, "new_accounts": []any{account}, "decline": []any{"identity"},
			"provider": "mx", "version": "0.3.16",
		}}},
		{"connect", object{"link_session_token": s.session(t, "chase"), "source": "android", "play": object{"leave": true}}},
		{"connect", object{"link_session_token": s.session(t, "chase"), "source": "react_native", "play": object{"exit": object{"error_id": "x"}}}},
		{"connect", object{"link_session_token": s.session(t, "chase"), "play": object{"failure": "provider_error"}}},
		{"link", object{"accounts": []any{account}, "products": []any{}, "tags": []any{"a"}, "not_permitted": []any{"identity"}, "state": "error"}},
		{"link", object{"error": "no_accounts", "webhook": "http://127.0.0.1:1"}},
		{"fail", object{"operation": "get_link", "n": -1, "fault": object{
			"code": "link_error.bad_state", "link_error": "auth_expired", "latency": "1ms", "reset": "after", "truncate": true,
			"body": "x", "content_type": "text/plain",
		}}},
		{"fail", object{"operation": "get_link", "n": 0}},
		{"deliver", object{"reversed": true, "concurrently": 2}},
	} {
		s.do(t, http.MethodPost, "/control/"+request.verb, request.body)
	}
	for _, path := range s.lists() {
		s.do(t, http.MethodGet, path, nil)
	}
}

// TestControlRefusals makes the example of each verb invalid. The program must refuse each request
// that the document refuses, and the document must refuse each request that the program cannot
// read.
func TestControlRefusals(t *testing.T) {
	t.Parallel()
	s := startSandbox(t)
	examples := s.examples(t)
	counts := map[string]int{}
	for _, verb := range slices.Sorted(maps.Keys(examples)) {
		s.prepare(t, verb, examples[verb], "http://127.0.0.1:1")
		spoil(examples[verb], "", nil, func(what string) {
			text, err := json.Marshal(examples[verb])
			require.NoError(t, err)
			x := s.ask(t, http.MethodPost, "/control/"+verb, text)
			if x.status == http.StatusBadRequest {
				counts["cannot be read"]++
				require.Error(t, x.request, "%s: %s: %s", verb, what, x.body)
			}
			// The program takes null as if the member were left out.
			if x.request != nil && !strings.HasSuffix(what, " is null") {
				counts["refused"]++
				assert.NotEqual(t, http.StatusOK, x.status, "%s: %s: %v", verb, what, x.request)
			}
		})
	}
	assert.Greater(t, counts["cannot be read"], 30)
	assert.Greater(t, counts["refused"], 40)
}
