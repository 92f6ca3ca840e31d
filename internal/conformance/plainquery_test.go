package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file tests queries: each parameter in the document, and lists that are read page by page.

// plainParameters sets each parameter of a query to valid and invalid values.
func plainParameters(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	for _, id := range operationIDs(t) {
		a := p.prepare(t, s, id)
		for _, ref := range a.op.Parameters {
			if ref.Value.In != "query" {
				continue
			}
			good, bad := samples(t, s, ref.Value)
			for _, value := range append(good, bad...) {
				asked := a
				asked.target += "?" + url.Values{ref.Value.Name: {value}}.Encode()
				if r := p.try(t, asked); slices.Contains(good, value) {
					r.success(t, a.status)
				} else {
					r.malformed(t, "query."+ref.Value.Name)
				}
				// If a parameter is repeated, the last value counts.
				if ref.Value.Schema.Value.Items == nil && !slices.Contains(good, value) {
					asked.target += "&" + url.Values{ref.Value.Name: {good[0]}}.Encode()
					p.try(t, asked).success(t, a.status)
				}
			}
		}
		a.target += "?%zz=1"
		r := p.try(t, a)
		if a.op.Responses.Status(http.StatusUnprocessableEntity) != nil {
			r.malformed(t, "query")
		} else {
			r.isError(t, http.StatusUnprocessableEntity, "api_error.request.validation_failed")
			assert.Equal(t, []string{"query"}, r.places(t))
		}
	}
}

// samples returns valid values of a parameter, and invalid ones.
func samples(t *testing.T, s scene, p *openapi3.Parameter) (good, bad []string) {
	t.Helper()
	schema := p.Schema.Value
	switch {
	case p.Deprecated: // MoneyKit ignores it
		return []string{"", "x", "7"}, nil
	case schema.Type.Is("integer"):
		require.NotNil(t, schema.Min, p.Name)
		least := int(*schema.Min)
		good, bad = []string{strconv.Itoa(least)}, []string{strconv.Itoa(least - 1), "-1", "", "x", "1.5", "0x10", "1e3"}
		if schema.Max != nil {
			most := int(*schema.Max)
			return append(good, strconv.Itoa(most)), append(bad, strconv.Itoa(most+1), "99999999999999999999")
		}
		return append(good, "99999999999999999999"), bad
	case schema.Type.Is("boolean"):
		return []string{"true", "false", "True", "1", "0"}, []string{"", "maybe", "2"}
	case schema.Format == "date":
		return []string{"2024-02-29", "1900-01-01", "9999-12-31"},
			[]string{"", "2023-02-29", "29.02.2024", "today", "2024-2-9", "2024-02-29T12:00:00Z"}
	case schema.Type.Is("array"):
		if schema.Items.Value.MinLength > 0 {
			bad = []string{""}
		} else {
			good = []string{""}
		}
		return append([]string{s.account, "acc_unknown", s.account + "," + s.account}, good...), bad
	case p.Name == "cursor":
		return []string{""}, []string{"x", "e30", "AAAA====", "bnVsbA", strings.Repeat("A", 5000), "\x00", "é"}
	}
	require.Equal(t, "name", p.Name)
	return []string{"", "chase", "Crédit & Co", "%", "\x00"}, nil
}

// numbered reads all pages of a list with numbered pages, and returns the rows.
func (p *plain) numbered(t *testing.T, path string, size int, rows string, more ...string) []any {
	t.Helper()
	var all []any
	for page := 1; ; page++ {
		query := url.Values{"page": {strconv.Itoa(page)}, "size": {strconv.Itoa(size)}}
		for i := 0; i < len(more); i += 2 {
			query.Add(more[i], more[i+1])
		}
		body := p.ask(t, http.MethodGet, path+"?"+query.Encode(), "").success(t, http.StatusOK)
		items := body[rows].([]any)
		assert.InDelta(t, page, body["page"], 0)
		assert.InDelta(t, len(items), body["size"], 0, "size is that of the page")
		all = append(all, items...)
		if len(items) < size {
			assert.InDelta(t, len(all), body["total"], 0)
			return all
		}
		assert.GreaterOrEqual(t, body["total"], float64(len(all)))
	}
}

// column returns a member of each of some rows.
func column(rows []any, name string) []string {
	var values []string
	for _, row := range rows {
		values = append(values, row.(object)[name].(string))
	}
	return values
}

// plainPages reads the lists with numbered pages, in pages of all sizes.
func plainPages(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	p.link(t, s.user, "", `{}`) // a second link of the user
	for _, tt := range []struct{ path, rows, id, accounts string }{
		{"/links/" + s.link + "/transactions", "transactions", "transaction_id", "account_ids"},
		{"/links/" + s.link + "/investments/transactions", "investment_transactions", "investment_transaction_id", "account_ids"},
		{"/users/" + url.PathEscape(s.user) + "/transactions", "transactions", "transaction_id", "account_id"},
	} {
		all := p.numbered(t, tt.path, 1000, tt.rows)
		require.Greater(t, len(all), 5)
		ids, days := column(all, tt.id), column(all, "date")
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), len(ids), "no row comes twice")
		assert.True(t, slices.IsSortedFunc(days, func(a, b string) int { return strings.Compare(b, a) }), "newest first")
		for _, size := range []int{1, 7, len(all), len(all) + 1} {
			assert.Equal(t, all, p.numbered(t, tt.path, size, tt.rows), "in pages of %d", size)
		}
		first := p.ask(t, http.MethodGet, tt.path, "").success(t, http.StatusOK)
		assert.Equal(t, all[:min(50, len(all))], first[tt.rows], "50 is the default")
		assert.InDelta(t, 1, first["page"], 0)
		beyond := p.ask(t, http.MethodGet, tt.path+"?page=99999999999999999999", "").success(t, http.StatusOK)
		assert.Equal(t, []any{}, beyond[tt.rows])
		assert.InDelta(t, len(all), beyond["total"], 0)

		// The first and the last day belong to the list.
		from, to := days[len(days)*2/3], days[len(days)/3]
		some := slices.DeleteFunc(slices.Clone(all), func(row any) bool {
			day := row.(object)["date"].(string)
			return day < from || day > to
		})
		assert.Equal(t, some, p.numbered(t, tt.path, 3, tt.rows, "start_date", from, "end_date", to))
		assert.Equal(t, some, p.numbered(t, tt.path, 1000, tt.rows, "start_date", from+"T00:00:00Z", "end_date", to+"T00:00:00"))
		r := p.ask(t, http.MethodGet, tt.path+"?start_date="+to+"&end_date="+from, "")
		if from != to {
			r.malformed(t, "query.end_date")
		}

		accounts := slices.Compact(slices.Sorted(slices.Values(column(all, "account_id"))))
		for n := range accounts {
			chosen := accounts[:n+1]
			var more []string
			for _, account := range chosen {
				more = append(more, tt.accounts, account)
			}
			some := slices.DeleteFunc(slices.Clone(all), func(row any) bool {
				return !slices.Contains(chosen, row.(object)["account_id"].(string))
			})
			assert.Equal(t, some, p.numbered(t, tt.path, 1000, tt.rows, more...))
		}
		assert.Empty(t, p.numbered(t, tt.path, 1000, tt.rows, tt.accounts, "acc_unknown"))
		assert.Equal(t, all, p.numbered(t, tt.path, 1000, tt.rows, tt.accounts+"[]", "acc_unknown"), "another parameter, which is ignored")
	}
}

// plainCursors reads all pages of the lists with cursors.
func plainCursors(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)

	institutions := func(limit int, more string) []any {
		t.Helper()
		var all []any
		for cursor := ""; ; {
			target := "/institutions?limit=" + strconv.Itoa(limit) + more
			if cursor != "" {
				target += "&cursor=" + url.QueryEscape(cursor)
			}
			body := p.ask(t, http.MethodGet, target, "").success(t, http.StatusOK)
			page := body["institutions"].([]any)
			all = append(all, page...)
			next, ok := body["cursors"].(object)["next"]
			require.True(t, ok)
			if next == nil {
				return all
			}
			assert.Len(t, page, limit, "there is more")
			cursor = next.(string)
		}
	}
	all := institutions(1000, "")
	require.Greater(t, len(all), 60)
	assert.Equal(t, all, institutions(9, ""))
	assert.Equal(t, all, institutions(len(all), ""))
	assert.Len(t, p.ask(t, http.MethodGet, "/institutions", "").success(t, 200)["institutions"], 50, "the default")
	featured := institutions(2, "&featured=true")
	assert.Equal(t, featured, slices.DeleteFunc(slices.Clone(all), func(in any) bool { return in.(object)["is_featured"] != true }))
	for _, name := range []string{"chase", "CHASE"} {
		assert.Contains(t, column(institutions(1, "&name="+name), "institution_id"), "chase")
	}
	assert.Empty(t, institutions(1, "&name=%25_%2A"))
	for _, in := range all[:10] {
		assert.Equal(t, in, any(p.ask(t, http.MethodGet, "/institutions/"+in.(object)["institution_id"].(string), "").success(t, 200)))
	}

	var made []string
	for range 1003 {
		made = append(made, p.link(t, "user-1", "", `{}`))
	}
	links := func(query string) (ids []string, pages int) {
		t.Helper()
		for cursor := ""; ; pages++ {
			body := p.ask(t, http.MethodGet, "/links?"+query+"&cursor="+url.QueryEscape(cursor), "").success(t, http.StatusOK)
			ids = append(ids, column(body["links"].([]any), "link_id")...)
			if cursor = body["next_cursor"].(string); cursor == "" {
				return ids, pages + 1
			}
		}
	}
	for query, want := range map[string]int{"": 2, "limit=500": 3, "limit=1003": 1, "limit=5000": 1} {
		got, pages := links(query)
		assert.ElementsMatch(t, made, got)
		assert.Equal(t, want, pages, query)
	}
	p.ask(t, http.MethodDelete, "/links/"+made[0], "").success(t, http.StatusNoContent)
	p.ask(t, http.MethodPost, "/links/"+made[1]+"/reset", "").success(t, http.StatusOK)
	got, _ := links("")
	assert.ElementsMatch(t, made[2:], got, "only connected links")
	// A cursor belongs to its list.
	cursor := p.ask(t, http.MethodGet, "/links?limit=500", "").success(t, 200)["next_cursor"].(string)
	p.ask(t, http.MethodGet, "/institutions?cursor="+cursor, "").malformed(t, "query.cursor")
	p.ask(t, http.MethodGet, "/links/"+made[2]+"/transactions/sync?cursor="+cursor, "").malformed(t, "query.cursor")
}

// plainSyncs reads the feed of changes, before and after a refresh.
func plainSyncs(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	path := "/links/" + s.link + "/transactions/sync"
	type feed struct {
		created, updated map[string]any
		removed          []string
		cursor           string
		pages            int
	}
	read := func(cursor string, size int) feed {
		t.Helper()
		f := feed{created: map[string]any{}, updated: map[string]any{}, cursor: cursor}
		for {
			target := path + "?cursor=" + f.cursor // a cursor needs no escaping
			if size > 0 {
				target += "&size=" + strconv.Itoa(size)
			}
			body := p.ask(t, http.MethodGet, target, "").success(t, http.StatusOK)
			changes, accounts := body["transactions"].(object), map[string]bool{}
			count := 0
			for name, into := range map[string]map[string]any{"created": f.created, "updated": f.updated} {
				for _, row := range changes[name].([]any) {
					into[row.(object)["transaction_id"].(string)] = row
					accounts[row.(object)["account_id"].(string)] = true
					count++
				}
			}
			for _, id := range changes["removed"].([]any) {
				f.removed = append(f.removed, id.(string))
				count++
			}
			assert.Len(t, body["accounts"], len(accounts), "the accounts of the rows")
			next := body["cursor"].(object)["next"].(string)
			assert.Equal(t, url.QueryEscape(next), next)
			again := p.ask(t, http.MethodGet, target, "").success(t, http.StatusOK)
			assert.Equal(t, body["transactions"], again["transactions"], "a cursor can be used again")
			if f.pages++; body["has_more"] == false {
				f.cursor = next
				return f
			}
			assert.NotEqual(t, f.cursor, next)
			assert.LessOrEqual(t, count, max(size, 50))
			assert.Positive(t, count)
			f.cursor = next
		}
	}
	listed := map[string]any{}
	for _, row := range p.numbered(t, "/links/"+s.link+"/transactions", 1000, "transactions") {
		listed[row.(object)["transaction_id"].(string)] = row
	}
	whole := read("", 500)
	assert.Equal(t, listed, whole.created)
	assert.Empty(t, whole.updated)
	assert.Empty(t, whole.removed)
	for size, pages := range map[int]int{0: 3, 1: len(listed), 7: len(listed) / 7} {
		f := read("", size)
		assert.Equal(t, listed, f.created, size)
		assert.GreaterOrEqual(t, f.pages, pages, size)
	}
	nothing := read(whole.cursor, 0)
	assert.Equal(t, 1, nothing.pages)
	assert.Empty(t, nothing.created)
	assert.Equal(t, whole.cursor, nothing.cursor, "the end stays where it is")

	p.ask(t, http.MethodPost, "/links/"+s.link+"/products", `{"products":["transactions"]}`).success(t, http.StatusAccepted)
	after := read(nothing.cursor, 0)
	assert.NotEmpty(t, after.created)
	assert.NotEqual(t, nothing.cursor, after.cursor)

	other := p.link(t, "user-9", "", `{}`)
	path = "/links/" + other + "/transactions/sync"
	p.ask(t, http.MethodGet, path+"?cursor="+after.cursor, "").malformed(t, "query.cursor")
	p.ask(t, http.MethodGet, path+"?cursor="+after.cursor[:len(after.cursor)-1], "").malformed(t, "query.cursor")
}
