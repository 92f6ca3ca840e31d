package moneykit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moneykit/moneykit-go"
)

// accountsJSON is an answer with n accounts.
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

// rival is a call made with the SDK and by hand.
type rival struct {
	sdk, hand func(context.Context) error
}

// rivals serves body at path and returns both ways of getting it, over one connection pool.
func rivals[T any](b *testing.B, path string, body []byte, sdk func(context.Context, *moneykit.Client) error) rival {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/auth/token" {
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, tokenJSON)
			return
		}
		w.Write(body)
	}))
	b.Cleanup(server.Close)
	pool := &http.Transport{MaxIdleConnsPerHost: 100}
	b.Cleanup(pool.CloseIdleConnections)
	return over[T](b, pool, server.URL, path, sdk)
}

const tokenJSON = `{"access_token":"t","token_type":"bearer","expires_in":3600}`

// inMemory is rivals without a network: what remains is the work of the client and the decoder.
func inMemory[T any](b *testing.B, path string, body []byte, sdk func(context.Context, *moneykit.Client) error) rival {
	b.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	respond := func(req *http.Request) (*http.Response, error) {
		status, body := http.StatusOK, body
		if strings.HasSuffix(req.URL.Path, "/auth/token") {
			status, body = http.StatusCreated, []byte(tokenJSON)
		}
		return &http.Response{
			StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
		}, nil
	}
	return over[T](b, transportFunc(respond), testBase, path, sdk)
}

// transportFunc is a transport that is one function.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func over[T any](b *testing.B, rt http.RoundTripper, base, path string, sdk func(context.Context, *moneykit.Client) error) rival {
	b.Helper()
	client, err := moneykit.NewClient("id", "secret", moneykit.WithBaseURL(base), moneykit.WithHTTPClient(&http.Client{Transport: rt}))
	if err != nil {
		b.Fatal(err)
	}
	byHand := &http.Client{Transport: rt, Timeout: time.Minute}
	return rival{
		sdk: func(ctx context.Context) error { return sdk(ctx, client) },
		hand: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
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

// compare calls both in turn and reports the times that a tenth of the calls keep to, their ratio,
// and how many more allocations the SDK makes for a call. The median would say more about what else
// the machine does, which interrupts long calls more often. Allocations of the server count on both
// sides.
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
	for range 50 {
		call(r.sdk)
		call(r.hand)
	}
	var sdk, hand []time.Duration
	for b.Loop() {
		// Whoever comes second finds caches warm: take turns.
		if len(sdk)%2 == 0 {
			sdk, hand = append(sdk, call(r.sdk)), append(hand, call(r.hand))
		} else {
			hand, sdk = append(hand, call(r.hand)), append(sdk, call(r.sdk))
		}
	}
	slices.Sort(sdk)
	slices.Sort(hand)
	s, h := sdk[len(sdk)/10], hand[len(hand)/10]
	b.ReportMetric(float64(s.Nanoseconds()), "sdk-ns/call")
	b.ReportMetric(float64(h.Nanoseconds()), "hand-ns/call")
	b.ReportMetric(float64(s)/float64(h), "ratio")
	sdkAllocs, handAllocs := mallocs(b, r.sdk), mallocs(b, r.hand)
	b.ReportMetric(sdkAllocs-handAllocs, "more-allocs/call")
	b.ReportMetric(sdkAllocs/handAllocs, "allocs-ratio")
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
}

func mallocs(b *testing.B, f func(context.Context) error) float64 {
	b.Helper()
	const calls = 200
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

// BenchmarkCall calls a server on the loopback interface, and a transport in memory.
func BenchmarkCall(b *testing.B) {
	get := func(ctx context.Context, c *moneykit.Client) error {
		_, err := c.Links.Get(ctx, "mk_1")
		return err
	}
	list := func(ctx context.Context, c *moneykit.Client) error {
		_, err := c.Accounts.List(ctx, "mk_1", moneykit.AccountListParams{})
		return err
	}
	sync := func(ctx context.Context, c *moneykit.Client) error {
		for _, err := range c.Transactions.Sync(ctx, "mk_1", "") {
			return err
		}
		return nil
	}
	b.Run("Links.Get", func(b *testing.B) { rivals[plainLink](b, "/links/mk_1", []byte(linkJSON), get).compare(b) })
	b.Run("Links.Get in memory", func(b *testing.B) { inMemory[plainLink](b, "/links/mk_1", []byte(linkJSON), get).compare(b) })
	b.Run("Accounts.List", func(b *testing.B) {
		rivals[plainAccounts](b, "/links/mk_1/accounts", accountsJSON(10), list).compare(b)
	})
	b.Run("Accounts.List in memory", func(b *testing.B) {
		inMemory[plainAccounts](b, "/links/mk_1/accounts", accountsJSON(10), list).compare(b)
	})
	b.Run("Transactions.Sync in memory", func(b *testing.B) {
		inMemory[plainSyncPage](b, "/links/mk_1/transactions/sync", syncPageJSON(520), sync).compare(b)
	})
}

// plainAccounts is what somebody would write without this package: money as float64.
type plainAccounts struct {
	Accounts []plainAccount `json:"accounts"`
	Link     plainLink      `json:"link"`
}

type plainAccount struct {
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
}

type plainLink struct {
	ID                string                   `json:"link_id"`
	InstitutionID     string                   `json:"institution_id"`
	InstitutionName   string                   `json:"institution_name"`
	InstitutionAvatar string                   `json:"institution_avatar"`
	State             string                   `json:"state"`
	Error             string                   `json:"error_code"`
	Provider          string                   `json:"provider"`
	Products          map[string]*plainProduct `json:"products"`
	AvailableProducts []string                 `json:"available_products"`
	Webhook           string                   `json:"webhook"`
	Tags              []string                 `json:"link_tags"`
	LastSyncedAt      *string                  `json:"last_synced_at"`
}

type plainProduct struct {
	RefreshedAt     *string `json:"refreshed_at"`
	LastAttemptedAt *string `json:"last_attempted_at"`
	Error           string  `json:"error_code"`
	ErrorMessage    string  `json:"error_message"`
	Unavailable     string  `json:"unavailable"`
	HasHistory      bool    `json:"has_history"`
}

// BenchmarkDecode is decoding alone: this package's types, and plain ones with encoding/json.
func BenchmarkDecode(b *testing.B) {
	decoding := func(body []byte, sdk, hand func() any) func(*testing.B) {
		return rival{
			sdk:  func(context.Context) error { return moneykit.Decode(body, sdk()) },
			hand: func(context.Context) error { return json.Unmarshal(body, hand()) },
		}.compare
	}
	b.Run("link", decoding([]byte(linkJSON), func() any { return new(moneykit.Link) }, func() any { return new(plainLink) }))
	b.Run("100 accounts", decoding(accountsJSON(100), func() any { return new(moneykit.AccountList) }, func() any { return new(plainAccounts) }))
	b.Run("520 changes", decoding(syncPageJSON(520), func() any { return new(moneykit.SyncPage) }, func() any { return new(plainSyncPage) }))
}
