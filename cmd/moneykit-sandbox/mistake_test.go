package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMistakeKeepsSession sends plays with mistakes, which are refused, and then connects with the
// same session.
func TestMistakeKeepsSession(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	token := s.session("")
	for verb, plays := range map[string][]string{
		"connect": {
			`{"institution": "nope"}`, `{"accounts": ["banana"]}`, `{"decline": ["banana"]}`, `{"failure": "banana"}`, `{"provider": "banana"}`,
			`{"failure": "link_error.user_oauth_denied"}`,
		},
		"authorize": {`{}`, `{"leave": true}`, `{"institution": "nope"}`, `{"decline": ["banana"]}`},
	} {
		for _, play := range plays {
			status, data := s.ask(http.MethodPost, "/control/"+verb, `{"link_session_token": "`+token+`", "play": `+play+`}`)
			assert.Equal(t, 422, status, "%s %s: %s", verb, play, data)
		}
	}
	status, data := s.ask(http.MethodPost, "/control/authorize",
		`{"link_session_token": "`+token+`", "play": {"institution": "moneykit-oauth-bank"}}`)
	require.Equal(t, 200, status, data)
	var out struct {
		URL string `json:"return_url"`
	}
	require.NoError(t, json.Unmarshal([]byte(data), &out))
	status, data = s.ask(http.MethodPost, "/control/continue", `{"link_session_token": "`+token+`", "return_url": "`+out.URL+`"}`)
	require.Equal(t, 200, status, data)
	assert.Contains(t, data, "exchangeable_token")
	for _, link := range []string{
		`{"webhook": "ftp://x"}`, `{"webhook": "nonsense"}`, `{"state": "connected", "error": "auth_expired"}`,
		`{"accounts": [{"account_id": "x"}, {"account_id": "x"}]}`,
	} {
		status, data := s.ask(http.MethodPost, "/control/link", link)
		assert.Contains(t, []int{400, 422}, status, "%s: %s", link, data)
	}
}

// TestFlagsOfVerbs checks that the flags of a subcommand set the members of the request.
func TestFlagsOfVerbs(t *testing.T) {
	t.Parallel()
	s := start(t, "-no-delivery")
	for _, args := range [][]string{{"connect", "-token", "x", "-leave=no"}, {"fail", "-truncate=banana"}, {"deliver", "-reversed=maybe"}} {
		status, _, _ := s.command(args...)
		assert.Equal(t, 2, status, "%v", args)
	}
	status, out, stderr := s.command("link", "-products", "", "-json")
	require.Zero(t, status, stderr)
	var link struct{ Products []string }
	require.NoError(t, json.Unmarshal([]byte(out), &link))
	assert.Equal(t, []string{"accounts"}, link.Products)
}

// TestHangingEndpoint checks that an endpoint that hangs does not delay the webhooks of other
// links.
func TestHangingEndpoint(t *testing.T) {
	t.Parallel()
	hanging, quick := make(chan struct{}, 10), make(chan struct{}, 10)
	ended := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			hanging <- struct{}{}
			<-ended
			return
		}
		quick <- struct{}{}
	}))
	defer receiver.Close()
	defer close(ended)
	s := start(t)
	var links []string
	for _, path := range []string{"/hang", "/quick"} {
		_, data := s.ask(http.MethodPost, "/control/link", `{"webhook": "`+receiver.URL+path+`"}`)
		var link struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(data), &link))
		links = append(links, link.ID)
	}
	trigger := func(link string) {
		s.ask(http.MethodPost, "/control/trigger", `{"link_id": "`+link+`", "event": "link.state_changed"}`)
	}
	trigger(links[0])
	trigger(links[0])
	<-hanging
	for range 3 {
		trigger(links[1])
		<-quick
	}
	assert.Empty(t, hanging, "the webhooks of a link stay in order")
}

// TestSlowRequestIsBroken checks that the end of the program closes the connections of delayed
// requests.
func TestSlowRequestIsBroken(t *testing.T) {
	t.Parallel()
	s := start(t, "-latency", "1h")
	answered, written := make(chan error, 1), make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(written) },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.info.API+"/institutions", nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{}} // a new transport does not retry the request
	go func() {
		response, err := client.Do(r)
		if err == nil {
			err = response.Body.Close()
		}
		answered <- err
	}()
	<-written
	assert.Zero(t, s.stop())
	require.Error(t, <-answered)
}
