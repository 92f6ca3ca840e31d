package moneykittest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/moneykit/moneykit-go"
)

// maxBody is the largest request body that is read. MoneyKit publishes 1 MB for imports.
const maxBody = 1 << 20

// route is one operation of the API.
type route struct {
	operation string // the operationId
	pattern   string
	handle    func(*core, *call) reply // runs with the state locked
	public    bool                     // needs no authentication
	limits    []limit
}

// routes lists the operations. One more is a line here and its handler.
func routes() []route {
	return []route{
		{"create_access_token", "POST /auth/token", (*core).createAccessToken, true, []limit{{perClient, 300}}},
		{"instrospect_client", "GET /auth/introspect", (*core).introspect, false, nil},
		{"get_well_known_jwks", "GET /.well-known/jwks.json", (*core).getWellKnownJWKS, true, nil},
		{"create_link_session", "POST /link-session", (*core).createLinkSession, false, []limit{{perUser, 20}, {perApp, 1200}}},
		{"exchange_token", "POST /link-session/exchange-token", (*core).exchangeToken, false, nil},

		{"get_links", "GET /links", (*core).getLinks, false, []limit{{perApp, 600}}},
		{"import_link", "POST /links/import", (*core).importLink, false, []limit{{perApp, 60}}},
		{"get_link", "GET /links/{id}", (*core).getLink, false, []limit{{perLink, 15}, {perApp, 1000}}},
		{"update_link", "PATCH /links/{id}", (*core).updateLink, false, []limit{{perLink, 4}, {perApp, 600}}},
		{"delete_link", "DELETE /links/{id}", (*core).deleteLink, false, []limit{{perApp, 600}}},
		{"reset_link", "POST /links/{id}/reset", (*core).resetLink, false, nil},
		{"import_transactions", "POST /links/{id}/import/transactions", (*core).importTransactions, false, nil},
		{"refresh_products", "POST /links/{id}/products", (*core).refreshProducts, false, nil},

		{"get_accounts", "GET /links/{id}/accounts", (*core).getAccounts, false, []limit{{perLink, 4}, {perApp, 600}}},
		{"get_account_numbers", "GET /links/{id}/accounts/numbers", (*core).getAccountNumbers, false, []limit{{perLink, 3}, {perApp, 600}}},
		{"get_account", "GET /links/{id}/accounts/{account_id}", (*core).getAccount, false, []limit{{perLink, 15}, {perApp, 600}}},
		{"get_identities", "GET /links/{id}/identity", (*core).getIdentities, false, []limit{{perLink, 3}, {perApp, 600}}},
		{"get_transactions", "GET /links/{id}/transactions", (*core).getTransactions, false, nil},
		{"get_transactions_sync", "GET /links/{id}/transactions/sync", (*core).syncTransactions, false, nil},
		{"correct_enrichment", "POST /links/{id}/transactions/{txn_id}/enrichment", (*core).correctEnrichment, false, nil},
		{"get_holdings", "GET /links/{id}/investments/holdings", (*core).getHoldings, false, nil},
		{"get_investment_transactions", "GET /links/{id}/investments/transactions", (*core).getInvestmentTransactions, false, nil},

		{"get_user_accounts", "GET /users/{id}/accounts", (*core).getUserAccounts, false, nil},
		{"get_user_links", "GET /users/{id}/links", (*core).getUserLinks, false, nil},
		{"get_user_transactions", "GET /users/{id}/transactions", (*core).getUserTransactions, false, nil},

		{"get_institutions", "GET /institutions", (*core).getInstitutions, false, []limit{{perApp, 30}}},
		{"get_institution", "GET /institutions/{institution_id}", (*core).getInstitution, false, []limit{{perApp, 400}}},
		{"trigger_test_link_webhook_event", "POST /webhooks/test/link/{id}", (*core).triggerTestWebhook, false, nil},

		{"", "/", (*core).unknownRoute, true, nil},
	}
}

// call is a request on its way through a handler.
type call struct {
	*http.Request
	body  []byte
	now   time.Time
	scope string // what its access token may do
}

// reply is an answer before it is sent.
type reply struct {
	status int
	header http.Header // beyond Content-Type
	media  string      // Content-Type; none with an empty body
	body   []byte
	report string // a mistake in the test, to be told to it
}

// answer returns v as JSON, or nothing for nil.
func answer(status int, v any) reply {
	if v == nil {
		return reply{status: status}
	}
	body, err := json.Marshal(v)
	if err != nil { // a link or account that the test made up cannot be written, such as a bad time
		r := refuse("", "moneykittest cannot write the answer")
		r.report = "cannot write an answer: " + err.Error()
		return r
	}
	return reply{status: status, media: "application/json", body: body}
}

func (c *core) newHandler() http.Handler {
	mux := http.NewServeMux()
	var unknown http.Handler
	for _, rt := range routes() {
		c.operations[rt.operation] = true
		h := c.handler(rt)
		mux.Handle(rt.pattern, h)
		if rt.operation == "" {
			unknown = h
		}
	}
	c.addPages(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect /links//x and hide the mistake.
		if p := r.URL.EscapedPath(); p != path.Clean(p) {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// handler takes the requests of a route through the same steps: they are recorded, fail if that
// was planned, are checked, handled and answered.
func (c *core) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil {
			r.Body = http.NoBody // a request that no server has read
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		if err != nil && !errors.As(err, &tooLarge) {
			return // whoever asked is gone
		}
		now := c.lock()
		entry := c.record(rt, r, body, now)
		fault, planned := c.nextFault(rt.operation)
		c.mu.Unlock()

		if !c.wait(r.Context(), fault.Latency) || (planned && fault.Reset == ResetBefore) {
			abort(w)
			return
		}
		rep, instead := fault.reply(planned)
		if !instead {
			rep = c.handle(rt, r, body, tooLarge != nil)
		}
		fault.change(&rep)
		if rep.report != "" {
			c.errorf("%s", rep.report)
		}
		if planned && fault.Reset == ResetAfter {
			abort(w)
			return
		}
		c.mu.Lock()
		entry.Status = rep.status
		c.mu.Unlock()
		rep.send(w, fault.Truncate)
	})
}

func (c *core) handle(rt route, r *http.Request, body []byte, tooLarge bool) reply {
	q := &call{Request: r, body: body, now: c.lock()}
	defer c.mu.Unlock()
	if tooLarge {
		rep := refuse("", "the body has more than %d bytes", maxBody)
		rep.status = http.StatusRequestEntityTooLarge
		return rep
	}
	if rep, ok := checkVersion(q); !ok {
		return rep
	}
	if !rt.public {
		if rep, ok := c.authenticate(q); !ok {
			return rep
		}
	}
	if rep, ok := c.checkLimits(rt, q); !ok {
		return rep
	}
	return rt.handle(c, q)
}

// checkVersion refuses versions that nobody knows. What MoneyKit does with them is not published.
func checkVersion(q *call) (reply, bool) {
	switch version := q.Header.Get("Moneykit-Version"); version {
	case "", "2023-02-18":
		return reply{}, true
	default:
		rep := refuse(moneykit.ErrorCodeValidationFailed, "the version in MoneyKit-Version is not known; 2023-02-18 is")
		rep.status = http.StatusBadRequest
		return rep, false
	}
}

func (c *core) unknownRoute(q *call) reply {
	rep := refuse("", "moneykittest has no such operation")
	rep.status = http.StatusNotImplemented
	rep.report = "there is no operation for " + q.Method + " " + c.redactPath(q.URL.Path)
	return rep
}

// wait waits for d. It reports false when the request or the server ends before.
func (c *core) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-c.done:
	}
	return false
}

// send writes the answer; with truncate only half of its body, after which net/http ends the
// connection, because more was announced.
func (rep *reply) send(w http.ResponseWriter, truncate bool) {
	h := w.Header()
	for key, values := range rep.header {
		h[http.CanonicalHeaderKey(key)] = values
	}
	if len(rep.body) > 0 {
		if rep.media != "" {
			h.Set("Content-Type", rep.media)
		}
		h.Set("Content-Length", strconv.Itoa(len(rep.body)))
	}
	w.WriteHeader(rep.status)
	body := rep.body
	if truncate {
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) //nolint:gosec // what the test planned; whoever asked may be gone
}
