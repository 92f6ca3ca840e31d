package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// pages is a transport that needs no network. It contains responses of the fake MoneyKit by path.
type pages map[string][]byte

// The paths of pages, besides the path for access tokens.
const (
	pathLink     = "/links/mk_1"
	pathAccounts = "/links/mk_1/accounts"
	pathList     = "/links/mk_1/transactions"
	pathSync     = "/links/mk_1/transactions/sync"
)

// pageRows is the number of transactions of a page. The goals are for a sync page of this size.
const pageRows = 522

// newPages fetches a link from a fake MoneyKit, and fills a page of each kind with the transactions
// of several links.
func newPages(ctx context.Context) (pages, error) {
	mk := moneykittest.New()
	defer mk.Close()
	client := mk.Client()
	get := func(path string) (json.RawMessage, error) {
		var body json.RawMessage
		err := client.Do(ctx, http.MethodGet, path, nil, &body)
		return body, err
	}
	p := pages{"/auth/token": []byte(`{"access_token":"t","token_type":"bearer","expires_in":3600}`)}
	link := mk.AddLink(moneykittest.LinkSpec{})
	for path, from := range map[string]string{
		pathLink: "", pathAccounts: "/accounts", pathList: "/transactions?size=1000", pathSync: "/transactions/sync?size=500",
	} {
		var err error
		if p[path], err = get("/links/" + link.ID + from); err != nil {
			return nil, err
		}
	}
	var rows []json.RawMessage
	for len(rows) < pageRows {
		body, err := get("/links/" + mk.AddLink(moneykittest.LinkSpec{}).ID + "/transactions?size=1000")
		if err != nil {
			return nil, err
		}
		var page struct{ Transactions []json.RawMessage }
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		rows = append(rows, page.Transactions...)
	}
	rows = rows[:pageRows]
	if err := p.replace(pathList, map[string]any{"transactions": rows, "total": pageRows}); err != nil {
		return nil, err
	}
	return p, p.replace(pathSync, map[string]any{
		"transactions": map[string]any{"created": rows, "updated": []any{}, "removed": []any{}}, "has_more": false,
	})
}

// replace replaces members of the page at path.
func (p pages) replace(path string, members map[string]any) error {
	var page map[string]any
	if err := json.Unmarshal(p[path], &page); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	maps.Copy(page, members)
	var err error
	p[path], err = json.Marshal(page)
	return err
}

// RoundTrip responds with a page.
func (p pages) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := p[r.URL.Path]
	if !ok {
		return nil, fmt.Errorf("there is no page %s", r.URL.Path)
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusCreated
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// ServeHTTP responds with a page over a network.
func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = w.Write(p[r.URL.Path]) // The client may be gone.
}

// client returns the SDK's client over a transport.
func newClient(base string, transport http.RoundTripper, opts ...moneykit.Option) (*moneykit.Client, error) {
	return moneykit.NewClient("id", "secret", append(opts,
		moneykit.WithBaseURL(base), moneykit.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// byHand returns a call as written without the SDK: with a limited body and encoding/json.
func byHand[T any](ctx context.Context, base string, transport http.RoundTripper, path string) side {
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	return func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer t")
		req.Header.Set("Accept", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return json.Unmarshal(data, new(T))
	}
}
