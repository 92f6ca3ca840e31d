package moneykittest_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hook = "https://app.example/hooks?tenant=1"

// inbox is a webhook endpoint that stores the requests.
type inbox struct {
	mu       sync.Mutex
	posts    []post
	statuses []int // of the next responses; then 204
}

// post is one request to a webhook.
type post struct {
	method, url string
	header      http.Header
	body        []byte
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in.mu.Lock()
	status := http.StatusNoContent
	if len(in.statuses) > 0 {
		status, in.statuses = in.statuses[0], in.statuses[1:]
	}
	in.posts = append(in.posts, post{r.Method, r.Host + r.RequestURI, r.Header.Clone(), body})
	in.mu.Unlock()
	w.WriteHeader(status)
}

// take returns the posts since the last call.
func (in *inbox) take() []post {
	in.mu.Lock()
	defer in.mu.Unlock()
	posts := in.posts
	in.posts = nil
	return posts
}

// event checks the form of the body, and returns it.
func (p post) event(t *testing.T) map[string]any {
	t.Helper()
	var event map[string]any
	require.NoError(t, json.Unmarshal(p.body, &event))
	assert.InDelta(t, 1, event["webhook_major_version"], 0)
	assert.Contains(t, event, "webhook_minor_version")
	assert.InDelta(t, 0, event["webhook_minor_version"], 0)
	assert.NotEmpty(t, event["webhook_idempotency_key"])
	assert.NotEmpty(t, event["webhook_timestamp"])
	assert.IsType(t, []any{}, event["link_tags"])
	return event
}

// own returns the members that not all events have, as JSON. Null is the same as absent.
func (p post) own(t *testing.T) string {
	t.Helper()
	event := p.event(t)
	for _, common := range []string{
		"webhook_major_version", "webhook_minor_version", "webhook_idempotency_key", "webhook_timestamp", "link_id", "link_tags",
	} {
		delete(event, common)
	}
	maps.DeleteFunc(event, func(_ string, member any) bool { return member == nil })
	if event["state_changed_at"] != nil {
		event["state_changed_at"] = "then"
	}
	text, err := json.Marshal(event)
	require.NoError(t, err)
	return string(text)
}
