package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestRateLimits(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	server := func() *fake {
		return newFake(t, withRateLimits(), withClock(func() time.Time { return now }))
	}
	spec := world.LinkSpec{}
	newLink := func(mk *fake, _ int) string { return mk.addLink(t, spec).ID }
	links := map[*fake]string{}
	sameLink := func(mk *fake, _ int) string { return links[mk] }
	session := func(user string) string {
		return `{"customer_user":{"id":"` + user + `"},"redirect_uri":"https://app.example"}`
	}
	tests := []struct {
		name  string
		limit int
		call  func(mk *fake, i int) answer
	}{
		{"token", 300, func(mk *fake, _ int) answer {
			id, secret := mk.ClientID, mk.ClientSecret
			return ask(t, mk, http.MethodPost, "/auth/token", "grant_type=client_credentials&client_id="+id+"&client_secret="+secret, form()...)
		}},
		{"sessions of a user", 20, func(mk *fake, _ int) answer {
			return ask(t, mk, http.MethodPost, "/link-session", session("user-1"))
		}},
		{"sessions", 1200, func(mk *fake, i int) answer {
			return ask(t, mk, http.MethodPost, "/link-session", session(fmt.Sprintf("user-%d", i)))
		}},
		{"a link", 15, func(mk *fake, i int) answer {
			return ask(t, mk, http.MethodGet, "/links/"+sameLink(mk, i), "")
		}},
		{"links", 1000, func(mk *fake, i int) answer {
			return ask(t, mk, http.MethodGet, "/links/"+newLink(mk, i), "")
		}},
		{"accounts of a link", 4, func(mk *fake, i int) answer {
			return ask(t, mk, http.MethodGet, "/links/"+sameLink(mk, i)+"/accounts", "")
		}},
		{"accounts", 600, func(mk *fake, i int) answer {
			return ask(t, mk, http.MethodGet, "/links/"+newLink(mk, i)+"/accounts", "")
		}},
		{"deletes", 600, func(mk *fake, i int) answer {
			return ask(t, mk, http.MethodDelete, "/links/"+newLink(mk, i), "")
		}},
	}
	for _, tt := range tests {
		mk := server()
		links[mk] = mk.addLink(t, spec).ID
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i := range tt.limit {
				if i == 1 {
					mk.advance(20*time.Second + time.Millisecond)
				}
				a := tt.call(mk, i)
				require.Less(t, a.status, 300, "request %d: %s", i, a.body)
			}
			a := tt.call(mk, tt.limit)
			assert.Equal(t, 429, a.status)
			assert.Equal(t, "api_error.rate_limit_exceeded", a.field(t, "error_code"))
			assert.Equal(t, "40", a.header.Get("Retry-After"), "rounded up")

			mk.advance(39 * time.Second)
			a = tt.call(mk, tt.limit+1)
			assert.Equal(t, 429, a.status)
			assert.Equal(t, "1", a.header.Get("Retry-After"))
			mk.advance(time.Second)
			assert.Less(t, tt.call(mk, tt.limit+2).status, 300)
		})
	}
}

func TestRateLimitOfTheClient(t *testing.T) {
	t.Parallel()
	mk := newFake(t, withRateLimits())
	client := mk.Client(moneykit.WithRetry(moneykit.RetryPolicy{MaxWait: time.Second}))
	link, other := mk.addLink(t, world.LinkSpec{}), mk.addLink(t, world.LinkSpec{})
	for range 15 {
		_, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
	}
	_, err := client.Links.Get(t.Context(), link.ID)
	e := isError(t, err, moneykit.ErrRateLimited, 429)
	assert.InDelta(t, 60*time.Second, e.RetryAfter, float64(30*time.Second))
	_, err = client.Links.Get(t.Context(), other.ID)
	require.NoError(t, err)
	mk.advance(time.Minute)
	_, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)

	// A body without a user is refused as malformed, without a limit.
	for range 25 {
		for _, body := range []any{map[string]any{}, []int{}} {
			err := client.Do(t.Context(), http.MethodPost, "/link-session", body, nil)
			isError(t, err, moneykit.ErrorCodeValidationFailed, 422)
		}
	}
}

// TestRateLimitOfSessions counts the sessions of a user, for new links and for existing ones.
func TestRateLimitOfSessions(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	mk := newFake(t, withRateLimits(), withClock(func() time.Time { return now }))
	client := mk.Client(moneykit.WithRetry(moneykit.RetryPolicy{MaxWait: time.Second}))
	link := mk.addLink(t, world.LinkSpec{Webhook: "https://app.example/hook"})
	params := sessionParams()
	for i := range 20 {
		params.ExistingLinkID = ""
		if i%2 == 1 {
			params.ExistingLinkID, params.Webhook = link.ID, link.Webhook
		}
		open(t, client, params)
	}
	mk.advance(15 * time.Second)
	params.Webhook = ""
	_, err := client.LinkSessions.Create(t.Context(), params)
	e := isError(t, err, moneykit.ErrRateLimited, 429)
	assert.Equal(t, 45*time.Second, e.RetryAfter)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, link.Webhook, got.Webhook, "the refused request has changed nothing")

	other := sessionParams()
	other.CustomerUser.ID = "user-43"
	open(t, client, other)
	mk.advance(45 * time.Second)
	open(t, client, params)
}

func TestNoRateLimits(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	client := mk.Client()
	for range 50 {
		_, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{}, moneykit.WithoutRetry())
		require.NoError(t, err)
	}
}

func TestRefreshLimits(t *testing.T) {
	t.Parallel()
	mk := newFake(t, day(), withRateLimits())
	path := "/links/" + mk.addLink(t, world.LinkSpec{}).ID + "/products"
	refresh := func(products string) answer { return ask(t, mk, http.MethodPost, path, `{"products":[`+products+`]}`) }
	assert.Equal(t, 202, refresh(`"accounts","identity","identity"`).status)
	assert.Equal(t, 202, refresh(`"transactions"`).status)
	a := refresh(`"accounts"`)
	assert.Equal(t, 429, a.status)
	assert.Equal(t, "3600", a.header.Get("Retry-After"))
	assert.Equal(t, "api_error.rate_limit_exceeded", a.field(t, "error_code"))
	mk.advance(time.Hour - time.Second/2)
	assert.Equal(t, "1", refresh(`"transactions"`).header.Get("Retry-After"))
	mk.advance(time.Second)
	a = refresh(`"accounts","identity"`)
	assert.Equal(t, 429, a.status)
	assert.Equal(t, "82800", a.header.Get("Retry-After"), "the response contains the longer wait")
	assert.Equal(t, 202, refresh(`"accounts"`).status, "a refused refresh is not counted")
	mk.advance(23 * time.Hour)
	assert.Equal(t, 202, refresh(`"accounts","identity"`).status)

	for operation, limit := range map[string]struct {
		method, path, body string
		n                  int
	}{
		"get_links":           {http.MethodGet, "/links", "", 600},
		"import_link":         {http.MethodPost, "/links/import", "{}", 60},
		"update_link":         {http.MethodPatch, "/links/x", "{}", 4},
		"get_account_numbers": {http.MethodGet, "/links/x/accounts/numbers", "", 3},
		"get_account":         {http.MethodGet, "/links/x/accounts/y", "", 15},
		"get_identities":      {http.MethodGet, "/links/x/identity", "", 3},
		"get_institutions":    {http.MethodGet, "/institutions", "", 30},
		"get_institution":     {http.MethodGet, "/institutions/x", "", 400},
	} {
		for range limit.n {
			require.NotEqual(t, 429, ask(t, mk, limit.method, limit.path, limit.body).status, operation)
		}
		a := ask(t, mk, limit.method, limit.path, limit.body)
		assert.Equal(t, 429, a.status, operation)
		assert.Equal(t, "60", a.header.Get("Retry-After"))
	}
}
