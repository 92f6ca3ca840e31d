package moneykittest

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/moneykit/moneykit-go"
)

// limit is a number of requests a minute.
type limit struct {
	per counted
	n   int
}

// counted says which requests are counted together.
type counted int

const (
	perApp counted = iota
	perClient
	perLink
	perUser
)

// window counts requests of one operation.
type window struct {
	operation string
	per       counted
	of        string // the link or the user
}

type usage struct {
	since time.Time
	n     int
}

// checkLimits counts the request, unless it is one too many. A minute begins with the first
// request of it; how MoneyKit measures its own is not published.
func (c *core) checkLimits(rt route, q *call) (reply, bool) {
	if !c.cfg.rateLimits {
		return reply{}, true
	}
	var count []*usage
	for _, l := range rt.limits {
		w := window{rt.operation, l.per, ""}
		switch l.per {
		case perLink:
			w.of = q.PathValue("id")
		case perUser:
			if w.of = userOf(q); w.of == "" {
				continue // it will be refused for that
			}
		case perApp, perClient: // there is one of each
		}
		u := c.windows[w]
		if u == nil || q.now.Sub(u.since) >= time.Minute {
			u = &usage{since: q.now}
			c.windows[w] = u
		}
		if u.n >= l.n {
			return tooMany(u.since.Add(time.Minute).Sub(q.now), "more than %d requests a minute", l.n), false
		}
		count = append(count, u)
	}
	for _, u := range count {
		u.n++
	}
	return reply{}, true
}

// tooMany returns the answer to a request that comes too soon.
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
