package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// query reads the parameters of a request, and collects what is wrong with them.
type query struct {
	values url.Values
	found  []problem
}

func (q *call) query() *query { return &query{values: q.URL.Query()} }

func (q *query) wrong(name, message, kind string) {
	q.found = append(q.found, problem{[]any{"query", name}, message, kind})
}

// reply returns the response to send, and false, when something is wrong.
func (q *query) reply() (reply, bool) {
	if len(q.found) == 0 {
		return reply{}, true
	}
	return malformed(q.found), false
}

// malformed returns the response to a request that breaks rules.
func malformed(found []problem) reply {
	return answer(http.StatusUnprocessableEntity, errorBody{
		Code:     moneykit.ErrorCodeValidationFailed,
		Message:  "the request is malformed",
		Problems: found,
	})
}

// last returns what a parameter that comes once is, "" if it is absent. Of several the last counts.
func (q *query) last(name string) string {
	if list := q.values[name]; len(list) > 0 {
		return list[len(list)-1]
	}
	return ""
}

// number reads a whole number from least to most, where most 0 is no limit.
func (q *query) number(name string, least, most, otherwise int) int {
	if !q.values.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(q.last(name))
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange): // Of one out of range, n is the nearest int.
		q.wrong(name, "must be a whole number", "int_parsing")
	case n < least:
		q.wrong(name, fmt.Sprintf("must be %d or more", least), "greater_than_equal")
	case most > 0 && n > most:
		q.wrong(name, fmt.Sprintf("must be %d or less", most), "less_than_equal")
	}
	return n
}

// flag reads a truth value, in the spellings that FastAPI accepts.
func (q *query) flag(name string) bool {
	if !q.values.Has(name) {
		return false
	}
	switch strings.ToLower(q.last(name)) {
	case "true", "1", "t", "yes", "y", "on":
		return true
	case "false", "0", "f", "no", "n", "off":
	default:
		q.wrong(name, "must be true or false", "bool_parsing")
	}
	return false
}

// texts reads a parameter that may come many times, each time with least characters or more.
func (q *query) texts(name string, least int) []string {
	for _, s := range q.values[name] {
		if utf8.RuneCountInString(s) < least {
			q.wrong(name, fmt.Sprintf("must have at least %d characters", least), "string_too_short")
			break
		}
	}
	return q.values[name]
}

// span reads the parameters of a list of dated rows. What MoneyKit does without a start_date is
// not published; here such a list has no beginning.
func (q *query) span(accounts []string) world.Span {
	s := world.Span{Page: q.number("page", 1, 0, 1), Size: q.number("size", 1, 1000, 50), Accounts: accounts}
	s.First, s.Last = q.date("start_date"), q.date("end_date")
	if !s.First.IsZero() && !s.Last.IsZero() && s.Last.Compare(s.First) < 0 {
		q.wrong("end_date", "must not be before start_date", "value_error")
	}
	return s
}

func (q *query) date(name string) moneykit.Date {
	if !q.values.Has(name) {
		return moneykit.Date{}
	}
	date, ok := dayOf(q.last(name))
	if !ok {
		q.wrong(name, "must be a day, like 2006-01-02", "date_parsing")
	}
	return date
}

// chosen reports whether an id is among those asked for: all are, if none is.
func chosen(ids []string, id string) bool { return len(ids) == 0 || slices.Contains(ids, id) }
