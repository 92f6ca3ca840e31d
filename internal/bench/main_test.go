package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// TestPlainTypes wants the members of the SDK's types in the types by hand, and a pointer where the
// SDK has one: the rows compare the same work.
func TestPlainTypes(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[moneykit.Link](), reflect.TypeFor[plainLink]()},
		{reflect.TypeFor[moneykit.AccountList](), reflect.TypeFor[plainAccounts]()},
		{reflect.TypeFor[moneykit.TransactionPage](), reflect.TypeFor[plainList]()},
		{reflect.TypeFor[moneykit.Transaction](), reflect.TypeFor[plainTransaction]()},
	} {
		assert.Equal(t, members("", pair[0]), members("", pair[1]), pair[1])
	}
}

// members returns the paths of the members of t in JSON, sorted, with a star for each pointer.
func members(path string, t reflect.Type) []string {
	switch t.Kind() { //nolint:exhaustive // Others have no members.
	case reflect.Pointer:
		return members(path+"*", t.Elem())
	case reflect.Slice:
		return members(path+"[]", t.Elem())
	case reflect.Struct:
		var paths []string
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
				paths = append(paths, members(path+"."+name, t.Field(i).Type)...)
			}
		}
		if len(paths) > 0 {
			slices.Sort(paths)
			return paths
		}
	}
	return []string{path}
}

// TestGroups briefly measures the groups that need no other program. It ignores the figures.
func TestGroups(t *testing.T) { //nolint:paralleltest // It measures memory.
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-time", "20us", "-only", "decode|client|loopback|webhooks|fake"}, &out))
	text := out.String()
	for _, name := range []string{
		"a sync page, 522 rows / json.Unmarshal", "a list page, 522 rows / json.Unmarshal",
		"Transactions.Sync, a page of 522 rows  ", "Transactions.Sync, a page of 522 rows, allocations",
		"Links.Get   ", "Links.Get, allocations", "Accounts.List   ", "Links.Get over the loopback interface",
		"Webhooks.Verify, 2 KB", "Webhooks.Verify, 16 KB", "Webhooks.Handler, 2 KB", "Webhooks.Handler, 16 KB",
		"moneykittest.New / httptest.NewServer", "a link with its transactions",
	} {
		assert.Equal(t, 1, strings.Count(text, "| "+name), name)
	}
	assert.NotContains(t, text, "NaN")
	assert.NotContains(t, text, "SyncTransactions", "it was not asked for")
}

// TestOtherPrograms briefly measures the groups that run other programs of the module, and refused
// bodies.
func TestOtherPrograms(t *testing.T) { //nolint:paralleltest // It measures memory and changes the folder.
	t.Chdir(filepath.Join("..", ".."))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-time", "20us", "-rows", "1000", "-users", "20", "-only", "refused|sync|load"}, &out))
	for _, name := range []string{
		"slowest refused body", "memory of a refused body", "SyncTransactions, 1000 rows, processor time",
		"SyncTransactions, memory above an idle client", "requests to the fake MoneyKit", "a user of the fake MoneyKit",
	} {
		assert.Equal(t, 1, strings.Count(out.String(), "| "+name), name)
	}
	_, err := output(t.Context(), "./internal/nothing")
	require.ErrorContains(t, err, "./internal/nothing")
}

// TestCancelled runs the groups that make calls with a context that has ended.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"decode", "client", "loopback", "sync", "load"} {
		require.ErrorContains(t, run(ctx, []string{"-time", "20us", "-only", name}, io.Discard), name+": ")
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	p := pages{"/page": []byte(`{"a":1,"b":2}`)}
	require.NoError(t, p.replace("/page", map[string]any{"b": 3}))
	assert.JSONEq(t, `{"a":1,"b":3}`, string(p["/page"]))
	require.ErrorContains(t, p.replace("/other", nil), "/other: ")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/other", nil)
	require.NoError(t, err)
	_, err = p.RoundTrip(req)
	require.ErrorContains(t, err, "there is no page /other")
	var r response
	http.Error(&r, "a text", http.StatusBadRequest)
	assert.Equal(t, http.StatusBadRequest, r.status)
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-x"}, {"more"}, {"-only", "("}} {
		require.Error(t, run(t.Context(), args, io.Discard), args)
	}
	require.NoError(t, run(t.Context(), []string{"-only", "nothing", "-check"}, io.Discard))
	require.NoError(t, run(t.Context(), []string{"-only", "build"}, io.Discard), "builds are asked for by -build")
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := newTable(&out)
	table.add([]row{
		{name: "good", sdk: "1 s", hand: "2 s", value: 0.5, low: 0.4, high: 0.6, goal: 0.5, bound: 1},
		{name: "worse", sdk: "3 s", hand: "2 s", value: 1.5, goal: 1, bound: 2},
		{name: "bad", value: 12.25, unit: " ms", goal: 1, bound: 2},
		{name: "few", value: 100, unit: "/s", goal: 2000, bound: 300, least: true},
		{name: "enough", value: 2500, unit: "/s", goal: 2000, bound: 300, least: true},
		{name: "without a goal", value: 7},
	})
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	assert.Equal(t, []string{
		"| | SDK | by hand | ratio | quartiles | goal | |",
		"| --- | ---: | ---: | ---: | ---: | ---: | --- |",
		"| good | 1 s | 2 s | 0.50 | 0.40–0.60 | 0.50 | ok |",
		"| worse | 3 s | 2 s | 1.50 | | 1.00 | over |",
		"| bad | 12.2 ms | | | | 1.00 | over |",
		"| few | 100/s | | | | ≥ 2000 | over |",
		"| enough | 2500/s | | | | ≥ 2000 | ok |",
		"| without a goal | | | 7.00 | | | |",
	}, got)
	assert.Equal(t, []string{"bad: 12.2, not 2.00", "few: 100, not 300"}, table.beyond)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	work := func(n int) side {
		return func() error {
			kept := make([][]byte, n)
			for i := range kept {
				kept[i] = make([]byte, 1000)
			}
			return nil
		}
	}
	c, err := compare(time.Millisecond, work(3000), work(1000))
	require.NoError(t, err)
	assert.Greater(t, c.ratio, 1.0)
	assert.LessOrEqual(t, c.low, c.ratio)
	assert.GreaterOrEqual(t, c.high, c.ratio)
	assert.Greater(t, c.sdkAllocs, c.handAllocs)
	broken := func() error { return errors.New("broken") }
	_, err = compare(time.Millisecond, broken, work(1))
	require.ErrorContains(t, err, "broken")
	_, err = compare(time.Millisecond, work(1), broken)
	require.ErrorContains(t, err, "by hand: broken")
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ want, got string }{
		{"0.02", figure(0.0151)},
		{"9.99", figure(9.99)},
		{"10.0", figure(10)},
		{"123", figure(123.4)},
		{"0.50 µs", duration(500)},
		{"47.6 µs", duration(47_600)},
		{"3.00 ms", duration(3_000_000)},
		{"61.0 s", duration(61 * time.Second)},
	} {
		assert.Equal(t, tt.want, tt.got)
	}
	assert.InDelta(t, 2, quantile([]float64{3, 1, 2}, 0.5), 0)
	assert.InDelta(t, 1, quantile([]float64{3, 1, 2}, 0), 0)
	assert.InDelta(t, 3, quantile([]float64{3, 1, 2}, 1), 0)
}

func TestRefusal(t *testing.T) { //nolint:paralleltest // It measures memory.
	s, err := newSigner()
	require.NoError(t, err)
	other, err := s.sign([]byte("another body"))
	require.NoError(t, err)
	body := shapes()["surrogates"]
	ms, mb, err := refusal(t.Context(), s, other, body, moneykit.ErrBodyMismatch)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, ms, 0.0)
	assert.Greater(t, mb, 0.05)
	own, err := s.sign(body)
	require.NoError(t, err)
	_, _, err = refusal(t.Context(), s, own, body, moneykit.ErrBodyMismatch)
	require.ErrorContains(t, err, "not refused with the expected error", "the body was signed")
}

// TestShapes checks that the bodies are as large as they may be, apart from those that grow.
func TestShapes(t *testing.T) {
	t.Parallel()
	for name, body := range shapes() {
		assert.LessOrEqual(t, len(body), largeBody, name)
		if name != "gzip that grows" {
			assert.Greater(t, len(body), largeBody-100, name)
		}
	}
}
