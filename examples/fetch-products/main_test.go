package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func env(vars map[string]string) func(string) string {
	return func(key string) string { return vars[key] }
}

func TestSandbox(t *testing.T) {
	for _, product := range slices.Sorted(maps.Keys(products())) {
		t.Run(product, func(t *testing.T) {
			var out, note bytes.Buffer
			require.NoError(t, run(t.Context(), []string{product}, env(nil), &out, &note))
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			assert.Greater(t, len(lines), 1, "a header and a row at least")
			assert.Equal(t, strings.ToUpper(lines[0]), lines[0])
			assert.Contains(t, note.String(), "sandbox")

			out.Reset()
			require.NoError(t, run(t.Context(), []string{"-json", product}, env(nil), &out, &note))
			assert.True(t, json.Valid(out.Bytes()))
			assert.Greater(t, out.Len(), 100)
		})
	}
}

func TestMoneyKit(t *testing.T) {
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{NotPermitted: []moneykit.Product{moneykit.ProductIdentity}})
	id, secret := mk.Credentials()
	vars := env(map[string]string{"MONEYKIT_CLIENT_ID": id, "MONEYKIT_CLIENT_SECRET": secret})
	fetch := func(args ...string) (string, error) {
		var out, note bytes.Buffer
		err := run(t.Context(), append([]string{"-base-url", mk.URL(), "-link", link.ID}, args...), vars, &out, &note)
		return out.String(), err
	}
	out, err := fetch("-start", "1999-01-01", "-end", "1999-12-31", "transactions")
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(out, "\n"), "the header alone")
	_, err = fetch("identity")
	require.ErrorContains(t, err, "did not permit")
	mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	_, err = fetch()
	require.ErrorContains(t, err, "ask the user to reconnect")
	_, err = fetch("-link", "mk_none")
	require.ErrorContains(t, err, "delete this link")
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		vars map[string]string
		want string
	}{
		{"an unknown product", []string{"crypto"}, nil, "name one product"},
		{"two products", []string{"accounts", "identity"}, nil, "name one product"},
		{"an id without a secret", nil, map[string]string{"MONEYKIT_CLIENT_ID": "a"}, "set both"},
		{"a link without credentials", []string{"-link", "mk_1"}, nil, "set both"},
		{"credentials without a link", nil, map[string]string{"MONEYKIT_CLIENT_ID": "a", "MONEYKIT_CLIENT_SECRET": "b"}, "with -link"},
		{"a day that does not exist", []string{"-start", "2023-02-30", "transactions"}, nil, "invalid value"},
		{
			"an end before the start",
			[]string{"-start", "2023-02-03", "-end", "2023-02-02", "transactions"},
			nil,
			"end_date must not be before start_date",
		},
		{"help", []string{"-h"}, nil, "help requested"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), tt.args, env(tt.vars), &out, &out), tt.want)
		})
	}
}
