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

// query reads the parameters of a request and collects the problems with them.
type query struct {
	values url.Values
	found  []problem
}

func (q *call) query() *query { return &query{values: q.URL.Query()} }

func (q *query) wrong(name, message, kind string) {
	q.found = append(q.found, problem{[]any{"query", name}, message, kind})
}

// reply returns true if there is no problem, else the response to send and false.
func (q *query) reply() (reply, bool) {
	if len(q.found) == 0 {
		return reply{}, true
	}
	return malformed(q.found), false
}

// malformed returns the response to an invalid request.
func malformed(found []problem) reply {
	return answer(http.StatusUnprocessableEntity, errorBody{
		Code:     moneykit.ErrorCodeValidationFailed,
		Message:  "the request is malformed",
		Problems: found,
	})
}

// last returns the last value of a parameter, or "" if it is absent.
func (q *query) last(name string) string {
	if list := q.values[name]; len(list) > 0 {
		return list[len(list)-1]
	}
	return ""
}

// number returns a parameter that is a whole number from least to most, or otherwise if it is
// absent. A most of 0 is no limit.
func (q *query) number(name string, least, most, otherwise int) int {
	if !q.values.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(q.last(name))
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange): // n is the nearest int if the number is out of range
		q.wrong(name, "must be a whole number", "int_parsing")
	case n < least:
		q.wrong(name, fmt.Sprintf("must be %d or more", least), "greater_than_equal")
	case most > 0 && n > most:
		q.wrong(name, fmt.Sprintf("must be %d or less", most), "less_than_equal")
	}
	return n
}

// flag returns a boolean parameter, in the spellings that FastAPI accepts.
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

// texts returns all values of a parameter. Each must have at least so many characters.
func (q *query) texts(name string, least int) []string {
	for _, s := range q.values[name] {
		if utf8.RuneCountInString(s) < least {
			q.wrong(name, fmt.Sprintf("must have at least %d characters", least), "string_too_short")
			break
		}
	}
	return q.values[name]
}

// span reads the parameters of a list of dated rows. What MoneyKit does without a start_date is not
// published. Here the list is not limited then.
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

// chosen reports whether an id is in ids. Empty ids mean all.
func chosen(ids []string, id string) bool { return len(ids) == 0 || slices.Contains(ids, id) }
