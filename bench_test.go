package moneykit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/moneykit/moneykit-go"
)

// accountsJSON returns a response with n accounts.
func accountsJSON(n int) []byte {
	accounts := ""
	for i := range n {
		if i > 0 {
			accounts += ","
		}
		accounts += fmt.Sprintf(`{"account_id":"acc_%022d","account_type":"depository.checking","name":"Premier Checking",
			"nickname":null,"account_mask":"%04d","balances":{"currency":"USD","available":340.12,"current":445.89,"limit":null,
			"balance_date":"2021-08-12T15:23:00Z"},"closed":false}`, i, i)
	}
	return []byte(`{"accounts":[` + accounts + `],"link":` + linkJSON + `}`)
}

// rival is the same call with the SDK and by hand.
type rival struct {
	sdk, hand func(context.Context) error
}

// rivals serves body at path and returns both calls, which share a connection pool.
func rivals[T any](b *testing.B, path string, body []byte, sdk func(context.Context, *moneykit.Client) error) rival {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/auth/token" {
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"access_token":"t","token_type":"bearer","expires_in":3600}`)
			return
		}
		w.Write(body)
	}))
	b.Cleanup(server.Close)
	pool := &http.Transport{MaxIdleConnsPerHost: 100}
	b.Cleanup(pool.CloseIdleConnections)
	client, err := moneykit.NewClient("id", "secret", moneykit.WithBaseURL(server.URL),
		moneykit.WithHTTPClient(&http.Client{Transport: pool}))
	if err != nil {
		b.Fatal(err)
	}
	byHand := &http.Client{Transport: pool, Timeout: time.Minute}
	return rival{
		sdk: func(ctx context.Context) error { return sdk(ctx, client) },
		hand: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer t")
			req.Header.Set("Accept", "application/json")
			resp, err := byHand.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("status %d: %s", resp.StatusCode, data)
			}
			return json.Unmarshal(data, new(T))
		},
	}
}

// compare calls both in turn and reports their median times, the ratio, and how many more
// allocations the SDK makes for a call. Allocations of the server count on both sides.
func (r rival) compare(b *testing.B) {
	b.Helper()
	ctx := b.Context()
	call := func(f func(context.Context) error) time.Duration {
		start := time.Now()
		if err := f(ctx); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for range 200 {
		call(r.sdk)
		call(r.hand)
	}
	var sdk, hand []time.Duration
	for b.Loop() {
		// The second call finds warm caches, so they take turns.
		if len(sdk)%2 == 0 {
			sdk, hand = append(sdk, call(r.sdk)), append(hand, call(r.hand))
		} else {
			hand, sdk = append(hand, call(r.hand)), append(sdk, call(r.sdk))
		}
	}
	slices.Sort(sdk)
	slices.Sort(hand)
	s, h := sdk[len(sdk)/2], hand[len(hand)/2]
	b.ReportMetric(float64(s.Nanoseconds()), "sdk-ns/call")
	b.ReportMetric(float64(h.Nanoseconds()), "hand-ns/call")
	b.ReportMetric(float64(s)/float64(h), "ratio")
	b.ReportMetric(mallocs(b, r.sdk)-mallocs(b, r.hand), "more-allocs/call")
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
}

func mallocs(b *testing.B, f func(context.Context) error) float64 {
	b.Helper()
	const calls = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if err := f(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / calls
}

func BenchmarkLinksGet(b *testing.B) {
	rivals[moneykit.Link](b, "/links/mk_1", []byte(linkJSON), func(ctx context.Context, c *moneykit.Client) error {
		_, err := c.Links.Get(ctx, "mk_1")
		return err
	}).compare(b)
}

func BenchmarkAccountsList(b *testing.B) {
	rivals[moneykit.AccountList](b, "/links/mk_1/accounts", accountsJSON(10), func(ctx context.Context, c *moneykit.Client) error {
		_, err := c.Accounts.List(ctx, "mk_1", moneykit.AccountListParams{})
		return err
	}).compare(b)
}

// plainAccounts is a type that a program without this package might have: money as float64.
type plainAccounts struct {
	Accounts []struct {
		ID       string `json:"account_id"`
		Type     string `json:"account_type"`
		Name     string `json:"name"`
		Nickname string `json:"nickname"`
		Mask     string `json:"account_mask"`
		Balances struct {
			Currency  string    `json:"currency"`
			Available *float64  `json:"available"`
			Current   *float64  `json:"current"`
			Limit     *float64  `json:"limit"`
			Date      time.Time `json:"balance_date"`
		} `json:"balances"`
		Closed bool `json:"closed"`
	} `json:"accounts"`
	Link struct {
		ID                string   `json:"link_id"`
		InstitutionID     string   `json:"institution_id"`
		InstitutionName   string   `json:"institution_name"`
		InstitutionAvatar string   `json:"institution_avatar"`
		State             string   `json:"state"`
		Provider          string   `json:"provider"`
		AvailableProducts []string `json:"available_products"`
	} `json:"link"`
}

// BenchmarkDecode measures only decoding: into this package's types and into plain ones.
func BenchmarkDecode(b *testing.B) {
	body := accountsJSON(100)
	b.Run("sdk", func(b *testing.B) { decodeInto[moneykit.AccountList](b, body) })
	b.Run("hand", func(b *testing.B) { decodeInto[plainAccounts](b, body) })
}

func decodeInto[T any](b *testing.B, body []byte) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := json.Unmarshal(body, new(T)); err != nil {
			b.Fatal(err)
		}
	}
}
