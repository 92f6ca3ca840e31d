package sandbox_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/journal"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// kept is a sandbox with a file and a stopped clock.
type kept struct {
	*sandbox.Sandbox

	state *sandbox.State
}

func clock() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

func settings() sandbox.Settings {
	s := sandbox.Default()
	s.Clock = clock
	s.World.Seed = 7
	s.World.RefreshDelay = time.Minute
	s.Delivery.Transport = http.NewFileTransport(http.Dir(".")) // responds to POST with 405
	return s
}

func reports(t *testing.T) sandbox.Reports {
	t.Helper()
	return sandbox.Reports{Errorf: t.Errorf, Logf: func(string, ...any) {}}
}

func open(t *testing.T, path string) *kept {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	k := &kept{Sandbox: sandbox.New(ctx, settings(), reports(t))}
	var err error
	k.state, err = k.Keep(path, sandbox.Wanted{}, func(err error) { assert.NoError(t, err) })
	require.NoError(t, err)
	return k
}

// all returns the complete state of the sandbox as JSON.
func (k *kept) all(t *testing.T) string {
	t.Helper()
	var data []byte
	var err error
	k.World.Do(func(w *world.World, _ time.Time) {
		w.Spent, w.Issued = nil, nil // they depend on the order of changes at the same time
		data, err = json.Marshal(w)
	})
	require.NoError(t, err)
	deliveries, err := json.Marshal(k.Courier.Deliveries())
	require.NoError(t, err)
	return string(data) + string(deliveries)
}

// ask sends a request to the API, and returns the status and the body of the response.
func (k *kept) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	if body != "" {
		r = httptest.NewRequestWithContext(t.Context(), method, path, jsonBody(body))
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("X-Client-Id", "sandbox_client")
	r.Header.Set("X-Client-Secret", "sandbox_client_secret")
	w := httptest.NewRecorder()
	k.Handler(nil).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestKeep makes every kind of change to the sandbox. After each step, a sandbox that loads a copy
// of the file must have the same state.
func TestKeep(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	k := open(t, path)
	var link, imported, token, returned, exchangeable string
	params := func(id string) moneykit.LinkSessionParams {
		return moneykit.LinkSessionParams{
			CustomerUser: moneykit.CustomerUser{ID: "user-42"}, RedirectURI: "https://app.example/back", InstitutionID: id,
			Webhook: "http://localhost/hook",
		}
	}
	session := func(id string) {
		k.World.Do(func(w *world.World, now time.Time) { token = w.OpenSession(params(id), now).Token })
	}
	do := func(f func(w *world.World, now time.Time) error) {
		k.World.Do(func(w *world.World, now time.Time) { assert.NoError(t, f(w, now)) })
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"nothing", func() {}},
		{"link", func() {
			do(func(w *world.World, now time.Time) error {
				l, _ := w.AddLink(world.LinkSpec{Webhook: "http://localhost/hook"}, now)
				link = l.ID
				return nil
			})
		}},
		{"read", func() { k.ask(t, http.MethodGet, "/links/"+link+"/transactions/sync", "") }},
		{"portfolio", func() { k.ask(t, http.MethodGet, "/links/"+link+"/investments/holdings", "") }},
		{"add", func() {
			do(func(w *world.World, now time.Time) error {
				return w.AddTransactions(link, []moneykit.Transaction{{ID: "txn_1", Description: "Tea"}, {ID: "txn_2", Pending: true}}, now)
			})
		}},
		{"update", func() {
			do(func(w *world.World, now time.Time) error {
				return w.UpdateTransaction(link, moneykit.Transaction{ID: "txn_1", Description: "Coffee"}, now)
			})
		}},
		{"settle", func() { do(func(w *world.World, now time.Time) error { return w.Settle(link, now) }) }},
		{"remove", func() {
			do(func(w *world.World, now time.Time) error { return w.RemoveTransaction(link, "txn_1", now) })
		}},
		{"cursors", func() { do(func(w *world.World, now time.Time) error { return w.ResetCursors(link, now) }) }},
		{"refresh", func() { do(func(w *world.World, now time.Time) error { return w.Refresh(link, nil, now) }) }},
		{"ask to refresh", func() { k.ask(t, http.MethodPost, "/links/"+link+"/products", `{"products": ["transactions"]}`) }},
		{"advance", func() {
			k.World.Advance(2 * time.Minute)
			k.Courier.Deliveries()
		}},
		{"correct", func() {
			var rows []moneykit.Transaction
			do(func(w *world.World, now time.Time) (err error) {
				rows, err = w.Transactions(link, now)
				return err
			})
			do(func(w *world.World, now time.Time) error {
				_, ok := w.Correct(w.Links[link], rows[0].ID, moneykit.EnrichmentParams{Category: moneykit.CategoryBanking}, now)
				assert.True(t, ok)
				return nil
			})
		}},
		{"reset", func() { do(func(w *world.World, now time.Time) error { w.Reset(w.Links[link], now); return nil }) }},
		{"relink", func() {
			do(func(w *world.World, now time.Time) error {
				p := params("")
				p.InstitutionID, p.ExistingLinkID, p.Webhook = "", link, "http://localhost/relinked"
				w.Connect(w.OpenSession(p, now).Token, world.Play{}, now)
				return nil
			})
		}},
		{"import", func() {
			do(func(w *world.World, now time.Time) error {
				in, _ := world.Lookup("chase")
				imported = w.ImportLink(world.Import{
					User: "user-42", Institution: in, Accounts: []moneykit.AccountImport{{ID: "own_1", Type: "depository.checking", Name: "Own"}},
				}, nil, now).ID
				return nil
			})
		}},
		{"import transactions", func() {
			do(func(w *world.World, now time.Time) error {
				l := w.Links[imported]
				w.ImportTransactions(l, []moneykit.TransactionImport{{ID: "own_txn", AccountID: "own_1", Description: "Tea"}}, now)
				return nil
			})
		}},
		{"break", func() {
			do(func(w *world.World, now time.Time) error { return w.Break(link, moneykit.LinkErrorAuthExpired, now) })
		}},
		{"webhook", func() { k.ask(t, http.MethodPatch, "/links/"+link, `{"webhook": "http://localhost/other"}`) }},
		{"deliver", func() { assert.NotEmpty(t, k.Courier.Deliver(delivery.Course{})) }},
		{"resend", func() { require.NoError(t, k.Courier.Resend(k.Courier.Deliveries()[0].Token)) }},
		{"give up", func() {
			k.World.Advance(3 * time.Hour)
			k.Courier.Deliveries()
		}},
		{"session", func() { session("") }},
		{"connect", func() {
			do(func(w *world.World, now time.Time) error {
				exchangeable = w.Connect(token, world.Play{}, now).Token
				return nil
			})
		}},
		{"exchange", func() {
			k.ask(t, http.MethodPost, "/link-session/exchange-token", `{"exchangeable_token": "`+exchangeable+`"}`)
		}},
		{"session at a bank", func() { session(world.OAuthBank) }},
		{"authorize", func() {
			do(func(w *world.World, now time.Time) error {
				returned, _ = w.Authorize(token, world.Play{}, now)
				return nil
			})
		}},
		{"continue", func() {
			do(func(w *world.World, now time.Time) error { w.Continue(token, returned, world.Play{}, now); return nil })
		}},
		{"page", func() {
			session("")
			k.ask(t, http.MethodPost, "/connect/step", `{"link_session_token": "`+token+`", "visit": "page", "action": "open"}`)
		}},
		{"step", func() {
			k.ask(t, http.MethodPost, "/connect/step",
				`{"link_session_token": "`+token+`", "visit": "page", "screen": 1, "action": "choose", "values": {"institution": "chase"}}`)
		}},
		{"token", func() {
			k.ask(t, http.MethodPost, "/auth/token", `{"grant_type": "client_credentials"}`)
			do(func(w *world.World, now time.Time) error {
				w.IssueToken("access", world.AccessToken{Expires: now.Add(time.Hour)})
				return nil
			})
		}},
		{"expire", func() { do(func(w *world.World, _ time.Time) error { w.ExpireTokens(); return nil }) }},
		{"key", func() { require.NoError(t, k.Courier.RotateKeys()) }},
		{"delete", func() { k.ask(t, http.MethodDelete, "/links/"+link, "") }},
		{"forget", func() {
			k.World.Advance(3 * time.Hour)
			k.Courier.Deliveries()
			session("")
		}},
	} {
		step.do()
		keys(k) // makes the first key
		again := open(t, copied(t, path))
		assert.Equal(t, k.all(t), again.all(t), step.name)
		assert.Equal(t, keys(k), keys(again), step.name)
		require.NoError(t, again.state.Close())
	}
}

// TestKeepFaults checks that the remaining planned faults are kept.
func TestKeepFaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	k := open(t, path)
	require.NoError(t, k.API.Fail("get_accounts", 2, api.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}}))
	status, _ := k.ask(t, http.MethodGet, "/links/x/accounts", "")
	assert.Equal(t, 503, status)
	again := open(t, copied(t, path))
	status, _ = again.ask(t, http.MethodGet, "/links/x/accounts", "")
	assert.Equal(t, 503, status, "one more fault was planned")
	status, _ = again.ask(t, http.MethodGet, "/links/x/accounts", "")
	assert.Equal(t, 404, status)
}

func keys(k *kept) string {
	var data []byte
	k.World.Do(func(_ *world.World, now time.Time) { data, _ = k.Courier.Keys(now) })
	return string(data)
}

// TestKeepSeed checks that a seed that differs from the file is refused.
func TestKeepSeed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, open(t, path).state.Close())
	other := settings()
	other.World.Seed = 8
	s := sandbox.New(t.Context(), other, reports(t))
	_, err := s.Keep(path, sandbox.Wanted{Seed: true}, nil)
	require.ErrorContains(t, err, "it has the seed 7")
	state, err := s.Keep(path, sandbox.Wanted{}, nil)
	require.NoError(t, err)
	s.World.Do(func(w *world.World, _ time.Time) { assert.Equal(t, uint64(7), w.Seed) })
	require.NoError(t, state.Close())
}

// TestKeepClock checks that the time never goes back, even if the clock does.
func TestKeepClock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	k := open(t, path)
	k.World.Advance(time.Hour)
	require.NoError(t, k.state.Close())
	for _, before := range []time.Duration{48 * time.Hour, 96 * time.Hour, 24 * time.Hour} {
		earlier := settings()
		earlier.Clock = func() time.Time { return clock().Add(-before) }
		s := sandbox.New(t.Context(), earlier, reports(t))
		state, err := s.Keep(path, sandbox.Wanted{}, nil)
		require.NoError(t, err)
		assert.False(t, s.World.Now().Before(clock().Add(time.Hour)), s.World.Now())
		require.NoError(t, state.Close())
	}
	later := settings()
	later.Clock = func() time.Time { return clock().Add(1000 * time.Hour) }
	s := sandbox.New(t.Context(), later, reports(t))
	_, err := s.Keep(path, sandbox.Wanted{Clock: true}, nil)
	require.NoError(t, err)
	assert.Equal(t, clock().Add(1000*time.Hour), s.World.Now(), "the saved offset is ignored")
}

// TestKeepReturn checks that the return URL of a bank stays invalid after the user has chosen
// another bank.
func TestKeepReturn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	k := open(t, path)
	var token, url string
	k.World.Do(func(w *world.World, now time.Time) {
		token = w.OpenSession(moneykit.LinkSessionParams{
			CustomerUser: moneykit.CustomerUser{ID: "user-42"}, RedirectURI: "https://app.example/back",
		}, now).Token
		s, _, ok := w.Begin(token, "page", now)
		require.True(t, ok)
		w.Act(s, world.Action{Name: "choose", Institution: world.OAuthBank}, now)
		w.Act(s, world.Action{Name: "permissions"}, now)
		w.Act(s, world.Action{Name: "oauth"}, now)
		url = w.Answer(w.AtBank(token, now), true, now)
		w.Act(s, world.Action{Name: "back"}, now)
		w.Act(s, world.Action{Name: "back"}, now)
		w.Act(s, world.Action{Name: "choose", Institution: world.CredentialsBank}, now)
	})
	again := open(t, copied(t, path))
	for _, s := range []*kept{k, again} {
		s.World.Do(func(w *world.World, now time.Time) {
			_, end, ok := w.Return(token, "other page", url, now)
			assert.False(t, ok)
			assert.Equal(t, "moneykittest.changed_return", end.Err.ID)
		})
	}
}

// TestKeepResentStep checks that the effect of a step is kept if its number was used before.
func TestKeepResentStep(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	k := open(t, path)
	var token string
	k.World.Do(func(w *world.World, now time.Time) {
		token = w.OpenSession(moneykit.LinkSessionParams{CustomerUser: moneykit.CustomerUser{ID: "user-42"}}, now).Token
	})
	for _, step := range []string{`"action": "open"`, `"step": 1, "screen": 1, "action": "search"`, `"step": 1, "screen": 1, "action": "leave"`} {
		status, _ := k.ask(t, http.MethodPost, "/connect/step", `{"link_session_token": "`+token+`", "visit": "page", `+step+`}`)
		require.Equal(t, http.StatusOK, status)
	}
	again := open(t, copied(t, path))
	again.World.Do(func(w *world.World, _ time.Time) { assert.True(t, w.Sessions[token].Over) })
}

// TestKeepAttempt checks that an attempt and its signature are in the file before the receiver gets
// the request.
func TestKeepAttempt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	k := open(t, path)
	var killed string
	headers := []http.Header{}
	k.Courier.Receive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers, killed = append(headers, r.Header), copied(t, path)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	k.World.Do(func(w *world.World, now time.Time) {
		l, _ := w.AddLink(world.LinkSpec{Webhook: "http://localhost/hook"}, now)
		w.AnnounceTest(l, moneykit.EventTypeLinkStateChanged, "key", now)
	})
	k.Courier.Deliver(delivery.Course{})
	again := open(t, killed)
	again.Courier.Receive(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers = append(headers, r.Header) }))
	again.World.Advance(time.Minute)
	again.Courier.Deliver(delivery.Course{})
	require.Len(t, headers, 2)
	assert.Equal(t, headers[0].Get("MoneyKit-Signature"), headers[1].Get("MoneyKit-Signature"))
	assert.Equal(t, "2", headers[1].Get("MoneyKit-Delivery-Attempt"))
}

// TestKeepDamaged checks that invalid records are refused.
func TestKeepDamaged(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "[]", `{"links": {"mk_1": 7}}`, `{"keys": "x"}`, `{"deliveries": [7]}`, `{"faults": 7}`} {
		path := filepath.Join(t.TempDir(), "state")
		j, _, err := journal.Open(path)
		require.NoError(t, err)
		require.NoError(t, j.Append([]byte(data)))
		require.NoError(t, j.Close())
		_, err = sandbox.New(t.Context(), settings(), reports(t)).Keep(path, sandbox.Wanted{}, nil)
		require.ErrorIs(t, err, journal.ErrDamaged, data)
		require.ErrorContains(t, err, path)
	}
}

func jsonBody(text string) *strings.Reader { return strings.NewReader(text) }

// copied returns the path of a copy of a file, which is not locked.
func copied(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.WriteFile(to, data, 0o600))
	return to
}
