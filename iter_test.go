package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// lists are MoneyKit's six forms of paging. serve responds with one of three pages of two items
// each. how selects a variant: "" for none, "stuck" if page 2 leads to page 2, "back" if page 2
// leads to page 1, "repeat" if page 2 has the items of page 1, "total" if the total is missing,
// "empty" for an empty list.
var lists = []struct {
	name  string
	path  string
	serve func(r *http.Request, how string) string
	all   func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error]
	hows  []string
}{
	{
		"links", "/links",
		func(r *http.Request, how string) string {
			ids, next := cursorPage(r, how)
			return fmt.Sprintf(`{"links":[%s],"next_cursor":%q}`, objects(`{"link_id":"%s"}`, ids), next)
		},
		func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error] {
			return ids(c.Links.All(ctx, moneykit.LinkListParams{}), func(l moneykit.LinkRef) string { return l.ID })
		},
		[]string{"stuck", "back", "empty"},
	},
	{
		"institutions", "/institutions",
		func(r *http.Request, how string) string {
			ids, next := cursorPage(r, how)
			cursor := `null`
			if next != "" {
				cursor = strconv.Quote(next)
			}
			return fmt.Sprintf(`{"institutions":[%s],"cursors":{"next":%s}}`, objects(`{"institution_id":"%s"}`, ids), cursor)
		},
		func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error] {
			return ids(c.Institutions.All(ctx, moneykit.InstitutionListParams{Name: "x"}), func(i moneykit.Institution) string { return i.ID })
		},
		[]string{"stuck", "back", "empty"},
	},
	{
		"transactions", "/links/mk_1/transactions",
		func(r *http.Request, how string) string {
			ids, total := numberPage(r, how)
			return fmt.Sprintf(`{"transactions":[%s],"total":%d}`, objects(`{"transaction_id":"%s"}`, ids), total)
		},
		func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error] {
			return ids(c.Transactions.All(ctx, "mk_1", moneykit.TransactionListParams{Size: 2}), transactionID)
		},
		[]string{"repeat", "total", "empty"},
	},
	{
		"user transactions", "/users/user_0001/transactions",
		func(r *http.Request, how string) string {
			ids, total := numberPage(r, how)
			return fmt.Sprintf(`{"transactions":[%s],"total":%d}`, objects(`{"transaction_id":"%s"}`, ids), total)
		},
		func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error] {
			return ids(c.Users.AllTransactions(ctx, "user_0001", moneykit.UserTransactionListParams{Size: 2}), transactionID)
		},
		[]string{"repeat", "total", "empty"},
	},
	{
		"investment transactions", "/links/mk_1/investments/transactions",
		func(r *http.Request, how string) string {
			ids, total := numberPage(r, how)
			return fmt.Sprintf(`{"investment_transactions":[%s],"total":%d}`, objects(`{"investment_transaction_id":"%s"}`, ids), total)
		},
		func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error] {
			return ids(c.Investments.AllTransactions(ctx, "mk_1", moneykit.InvestmentTransactionListParams{Size: 2}),
				func(t moneykit.InvestmentTransaction) string { return t.ID })
		},
		[]string{"repeat", "total", "empty"},
	},
	{
		"sync", "/links/mk_1/transactions/sync",
		func(r *http.Request, how string) string {
			created, next := cursorPage(r, how)
			more := next != ""
			if !more {
				next = "end"
			}
			return fmt.Sprintf(`{"transactions":{"created":[%s],"updated":[],"removed":[]},"cursor":{"next":%q},"has_more":%v}`,
				objects(`{"transaction_id":"%s"}`, created), next, more)
		},
		func(ctx context.Context, c *moneykit.Client) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for batch, err := range c.Transactions.Sync(ctx, "mk_1", "") {
					if err != nil {
						yield("", err)
						return
					}
					for _, tx := range batch.Created {
						if !yield(tx.ID, nil) {
							return
						}
					}
				}
			}
		},
		[]string{"stuck", "back", "empty"},
	},
}

func transactionID(t moneykit.Transaction) string { return t.ID }

func ids[T any](seq iter.Seq2[T, error], id func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for item, err := range seq {
			if !yield(id(item), err) {
				return
			}
		}
	}
}

func objects(format string, ids []string) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(format, id))
	}
	return strings.Join(all, ",")
}

// cursorPage returns the items of the page that a cursor names, and the next cursor.
func cursorPage(r *http.Request, how string) (items []string, next string) {
	n := 1
	if c := r.URL.Query().Get("cursor"); c != "" {
		n, _ = strconv.Atoi(c)
	}
	switch {
	case how == "empty":
		return nil, ""
	case how == "stuck" && n == 2:
		next = "2"
	case how == "back" && n == 3:
		next = "2"
	case n < 3:
		next = strconv.Itoa(n + 1)
	}
	return []string{fmt.Sprint(n, "a"), fmt.Sprint(n, "b")}, next
}

// numberPage returns the items of a numbered page of size 2, and the total number of items.
func numberPage(r *http.Request, how string) (items []string, total int) {
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	total = 5
	switch how {
	case "empty":
		return nil, 0
	case "total":
		total = 0
	case "repeat":
		n = 1
	}
	items = []string{fmt.Sprint(n, "a"), fmt.Sprint(n, "b")}
	if n == 3 {
		items = items[:1]
	}
	return items, total
}

// collect reads a list to its end or to its error.
func collect(seq iter.Seq2[string, error]) (items []string, err error) {
	ended := false
	for item, e := range seq {
		if ended {
			panic("the loop goes on after an error")
		}
		if e != nil {
			err, ended = e, true
			continue
		}
		items = append(items, item)
	}
	return items, err
}

func TestAll(t *testing.T) {
	t.Parallel()
	for _, tt := range lists {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			how, requests := "", 0
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, testBase+tt.path, func(r *http.Request) (*http.Response, error) {
				requests++
				return answers(200, tt.serve(r, how))(r)
			})
			client := newClient(t, mock)
			all := tt.all(t.Context(), client)
			assert.Zero(t, requests, "no request before the loop begins")

			want := []string{"1a", "1b", "2a", "2b", "3a", "3b"}
			if tt.hows[0] == "repeat" {
				want = want[:5]
			}
			for range 2 {
				requests = 0
				got, err := collect(all)
				require.NoError(t, err)
				assert.Equal(t, want, got)
				assert.Equal(t, 3, requests, "one request a page")
			}
			requests = 0
			for item, err := range all {
				require.NoError(t, err)
				if item == "1b" {
					break
				}
			}
			assert.Equal(t, 1, requests, "no page is fetched ahead")

			for _, how = range tt.hows {
				got, err := collect(all)
				switch how {
				case "empty":
					require.NoError(t, err)
					assert.Empty(t, got)
				case "total":
					require.NoError(t, err)
					assert.Equal(t, want, got)
				case "repeat":
					require.ErrorContains(t, err, "read before")
					require.ErrorContains(t, err, "page 2")
					assert.Equal(t, want[:2], got)
				case "stuck":
					require.ErrorContains(t, err, "read before")
					require.ErrorContains(t, err, "page 2")
					assert.Equal(t, want[:4], got, "the items before the error are yielded")
				case "back":
					require.ErrorContains(t, err, "page 3")
					assert.Equal(t, want, got)
				}
			}
		})
	}
}

func TestAllWhileTheListGrows(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	pages := []string{
		`{"transactions":[{"transaction_id":"b"}],"total":2}`,
		`{"transactions":[{"transaction_id":"b"}],"total":3}`, // Transaction a was inserted before b.
		`{"transactions":[{"transaction_id":"c"}],"total":3}`,
	}
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1/transactions", func(r *http.Request) (*http.Response, error) {
		n, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil {
			return nil, err
		}
		return answers(200, pages[n-1])(r)
	})
	got, err := collect(ids(newClient(t, mock).Transactions.All(t.Context(), "mk_1", moneykit.TransactionListParams{Size: 1}), transactionID))
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "b", "c"}, got, "an item can appear twice")
}

func TestAllInConcurrentLoops(t *testing.T) {
	t.Parallel()
	for _, tt := range lists {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+tt.path, func(r *http.Request) (*http.Response, error) {
			return answers(200, tt.serve(r, ""))(r)
		})
		all := tt.all(t.Context(), newClient(t, mock))
		var wg sync.WaitGroup
		var got [2][]string
		var errs [2]error
		for i := range got {
			wg.Go(func() { got[i], errs[i] = collect(all) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs[:]...), tt.name)
		assert.GreaterOrEqual(t, len(got[0]), 5, tt.name)
		assert.Equal(t, got[0], got[1], tt.name)
	}
}

func TestAllFailsOnAPage(t *testing.T) {
	t.Parallel()
	for _, tt := range lists {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			requests := 0
			mock.RegisterResponder(http.MethodGet, testBase+tt.path, func(r *http.Request) (*http.Response, error) {
				if requests++; requests == 3 {
					return answers(410, `{"error_code":"link_error.deleted"}`)(r)
				}
				return answers(200, tt.serve(r, ""))(r)
			})
			got, err := collect(tt.all(t.Context(), newClient(t, mock)))
			assert.Equal(t, []string{"1a", "1b", "2a", "2b"}, got, "the items before the error are yielded")
			require.ErrorIs(t, err, moneykit.ErrLinkDeleted)
			require.ErrorContains(t, err, "(page 3)")
		})
	}
}

func TestAllStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, tt := range lists {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodGet, testBase+tt.path, func(r *http.Request) (*http.Response, error) {
			return answers(200, tt.serve(r, ""))(r)
		})
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		var err error
		for item, e := range tt.all(ctx, newClient(t, mock)) {
			if got = append(got, item); item == "2a" {
				cancel()
			}
			err = e
		}
		cancel()
		require.ErrorIs(t, err, context.Canceled, tt.name)
		assert.Equal(t, []string{"1a", "1b", "2a", "2b", ""}, got, "between pages")
	}
}

func TestAllRequestsLargePages(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var queries []string
	mock.RegisterResponder(http.MethodGet, `=~.*`, func(r *http.Request) (*http.Response, error) {
		queries = append(queries, r.URL.RawQuery)
		return answers(200, `{"total":0}`)(r)
	})
	client := newClient(t, mock)
	ctx := t.Context()
	for _, all := range []iter.Seq2[string, error]{
		ids(client.Transactions.All(ctx, "mk_1", moneykit.TransactionListParams{}), transactionID),
		ids(client.Transactions.All(ctx, "mk_1", moneykit.TransactionListParams{Page: 3, Size: 7}), transactionID),
		lists[1].all(ctx, client),
		lists[5].all(ctx, client),
	} {
		_, err := collect(all)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"page=1&size=1000", "page=3&size=7", "name=x&limit=1000", "size=500"}, queries)
}
