package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"

	"github.com/moneykit/moneykit-go"
)

const testBase = "https://moneykit.test"

// sdkCalls returns the SDK's calls for the pages.
type sdkCalls struct {
	link, accounts, list, sync side
}

func newCalls(ctx context.Context, c *moneykit.Client) sdkCalls {
	return sdkCalls{
		link: func() error {
			_, err := c.Links.Get(ctx, "mk_1")
			return err
		},
		accounts: func() error {
			_, err := c.Accounts.List(ctx, "mk_1", moneykit.AccountListParams{})
			return err
		},
		list: func() error {
			_, err := c.Transactions.List(ctx, "mk_1", moneykit.TransactionListParams{})
			return err
		},
		sync: func() error {
			for batch, err := range c.Transactions.Sync(ctx, "mk_1", "") {
				if err == nil && len(batch.Created) != pageRows {
					err = errors.New("the page is incomplete")
				}
				return err
			}
			return errors.New("there is no page")
		},
	}
}

// decodes returns a side that decodes a page with encoding/json.
func decodes[T any](page []byte) side {
	return func() error { return json.Unmarshal(page, new(T)) }
}

// decoding compares a call without a network with json.Unmarshal alone. For a page of this size,
// decoding takes nearly all of the call's time.
func decoding(ctx context.Context, c config) ([]row, error) {
	p, err := newPages(ctx)
	if err != nil {
		return nil, err
	}
	client, err := newClient(testBase, p)
	if err != nil {
		return nil, err
	}
	sdk := newCalls(ctx, client)
	sync, err := compare(c.time, sdk.sync, decodes[plainSync](p[pathSync]))
	if err != nil {
		return nil, err
	}
	list, err := compare(c.time, sdk.list, decodes[plainList](p[pathList]))
	return []row{
		sync.row("a sync page, 522 rows / json.Unmarshal", 0.40, 0.50),
		list.row("a list page, 522 rows / json.Unmarshal", 0.40, 0.50),
	}, err
}

// calls compares whole calls without a network.
func calls(ctx context.Context, c config) ([]row, error) {
	p, err := newPages(ctx)
	if err != nil {
		return nil, err
	}
	client, err := newClient(testBase, p)
	if err != nil {
		return nil, err
	}
	sdk := newCalls(ctx, client)
	var rows []row
	for _, call := range []struct {
		name        string
		sdk, hand   side
		goal, bound float64
		small       bool
	}{
		{"Transactions.Sync, a page of 522 rows", sdk.sync, byHand[plainSync](ctx, testBase, p, pathSync), 0.50, 0.60, false},
		{"Transactions.List, a page of 522 rows", sdk.list, byHand[plainList](ctx, testBase, p, pathList), 0.50, 0.60, false},
		{"Links.Get", sdk.link, byHand[plainLink](ctx, testBase, p, pathLink), 1.00, 1.15, true},
		{"Accounts.List", sdk.accounts, byHand[plainAccounts](ctx, testBase, p, pathAccounts), 1.00, 1.15, true},
	} {
		got, err := compare(c.time, call.sdk, call.hand)
		if err != nil {
			return nil, err
		}
		allocs := got.allocs(call.name, 0.90, 0.90)
		if call.small { // With few allocations, their ratio means little.
			allocs.value, allocs.unit, allocs.goal, allocs.bound = got.sdkAllocs-got.handAllocs, " more", 10, 10
		}
		rows = append(rows, got.row(call.name, call.goal, call.bound), allocs)
	}
	return rows, nil
}

// loopback compares a call over the loopback interface. Both sides share a server and a pool of
// connections.
func loopback(ctx context.Context, c config) ([]row, error) {
	p, err := newPages(ctx)
	if err != nil {
		return nil, err
	}
	server := httptest.NewServer(p)
	defer server.Close()
	pool := &http.Transport{MaxIdleConnsPerHost: 100}
	defer pool.CloseIdleConnections()
	client, err := newClient(server.URL, pool)
	if err != nil {
		return nil, err
	}
	got, err := compare(c.time, newCalls(ctx, client).link, byHand[plainLink](ctx, server.URL, pool, pathLink))
	return []row{got.row("Links.Get over the loopback interface", 1.05, 1.25)}, err
}
