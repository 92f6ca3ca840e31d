package api

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/ratelimit"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// limit is the largest number of requests in a window.
type limit struct {
	window
	n int
}

// window identifies requests that are counted together.
type window struct {
	operation string
	per       counted
	of        string // id of the link or of the user
}

// counted is the scope of a limit.
type counted int

const (
	perApp counted = iota
	perClient
	perLink
	perUser
)

// limitsOf returns the published limits that a request counts towards.
func limitsOf(rt route, q *call) (all []limit) {
	published, _ := ratelimit.For(rt.pattern)
	add := func(per counted, of string, n int) {
		if n > 0 {
			all = append(all, limit{window{rt.operation, per, of}, n})
		}
	}
	add(perLink, q.PathValue("id"), published.Link)
	if published.User > 0 {
		if user := userOf(q); user != "" { // A session without a user is refused later.
			add(perUser, user, published.User)
		}
	}
	add(perClient, "", published.Client)
	add(perApp, "", published.App)
	return all
}

type usage struct {
	since time.Time
	n     int
}

// checkLimits counts the request, or refuses it if a limit is reached. A minute begins with its
// first request. How MoneyKit measures a minute is not published.
func (a *API) checkLimits(rt route, q *call) (reply, bool) {
	if !a.RateLimits {
		return reply{}, true
	}
	count := map[window]*usage{}
	for _, l := range limitsOf(rt, q) {
		u := a.windows[l.window]
		if u == nil || q.now.Sub(u.since) >= ratelimit.Window {
			u = &usage{since: q.now}
		}
		if u.n >= l.n {
			return tooMany(u.since.Add(ratelimit.Window).Sub(q.now), "more than %d requests a minute", l.n), false
		}
		count[l.window] = u
	}
	for w, u := range count {
		u.n++
		a.windows[w] = u
	}
	a.sweep(q.now)
	return reply{}, true
}

// fewWindows is the number of windows up to which there is no sweep.
const fewWindows = 1000

// sweep deletes expired windows whenever the number of windows has doubled.
func (a *API) sweep(now time.Time) {
	if len(a.windows) <= max(a.sweepAt, fewWindows) {
		return
	}
	maps.DeleteFunc(a.windows, func(_ window, u *usage) bool { return now.Sub(u.since) >= ratelimit.Window })
	a.sweepAt = 2 * len(a.windows)
}

// tooMany returns the response to a request over a limit. wait is the time until the limit allows
// it.
func tooMany(wait time.Duration, format string, args ...any) reply {
	rep := refuse(moneykit.ErrorCodeRateLimitExceeded, format, args...)
	seconds := (wait + time.Second - 1) / time.Second
	rep.header = map[string][]string{"Retry-After": {strconv.Itoa(int(seconds))}}
	return rep
}

// userOf returns the id of the user that the body of a link session names.
func userOf(q *call) string {
	var body struct {
		User struct {
			ID string `json:"id"`
		} `json:"customer_user"`
	}
	if json.Unmarshal(q.body, &body) != nil {
		return ""
	}
	return body.User.ID
}

// refresh identifies the refreshes of a product of a link.
type refresh struct {
	linkID  string
	product moneykit.Product
}

// checkRefresh counts a refresh, or refuses it if it is too early for one of the products.
func (a *API) checkRefresh(l *world.Link, products []moneykit.Product, now time.Time) (reply, bool) {
	if !a.RateLimits {
		return reply{}, true
	}
	var wait time.Duration
	for _, p := range products {
		every := 24 * time.Hour
		if p == moneykit.ProductAccounts || p == moneykit.ProductTransactions {
			every = time.Hour
		}
		if last, ok := a.refreshes[refresh{l.ID, p}]; ok {
			wait = max(wait, last.Add(every).Sub(now))
		}
	}
	if wait > 0 {
		return tooMany(wait, "it is too soon for another refresh"), false
	}
	for _, p := range products {
		a.refreshes[refresh{l.ID, p}] = now
	}
	return reply{}, true
}
