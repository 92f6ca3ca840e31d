package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file compares the oracle to another validator, on bodies in which each member is made
// invalid in turn. If the oracle overlooked an error, the two would disagree.

// secondOpinion returns libopenapi-validator for some of the document's paths.
func secondOpinion(t *testing.T, paths ...string) validator.Validator {
	t.Helper()
	tree := documentTree(t)
	require.NoError(t, closeObjects(tree))
	delete(tree, "servers")
	delete(tree, "webhooks")
	maps.DeleteFunc(at(t, tree, "paths"), func(path string, _ any) bool { return !slices.Contains(paths, path) })
	doc, err := libopenapi.NewDocumentWithConfiguration(write(t, tree), &datamodel.DocumentConfiguration{
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	v, problems := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithoutSecurityValidation())
	require.Empty(t, problems)
	return v
}

// spoil calls judge after each of many small changes to value, and undoes each change.
func spoil(value any, path string, set func(any), judge func(what string)) {
	if set != nil {
		set(nil)
		judge(path + " is null")
		var other any = "text"
		if _, ok := value.(string); ok {
			other = 1.5
		}
		set(other)
		judge(path + " is of another type")
		set(value)
	}
	switch v := value.(type) {
	case object:
		v["surprise"] = 1
		judge(path + " has a surprise")
		delete(v, "surprise")
		for _, name := range slices.Sorted(maps.Keys(v)) {
			member := v[name]
			delete(v, name)
			judge(path + "/" + name + " is gone")
			v[name] = member
			spoil(member, path+"/"+name, func(other any) { v[name] = other }, judge)
		}
	case []any:
		for i, item := range v {
			spoil(item, path+"/"+strconv.Itoa(i), func(other any) { v[i] = other }, judge)
		}
	}
}

func TestSecondOpinion(t *testing.T) {
	t.Parallel()
	other := secondOpinion(t, "/links/{id}/accounts", "/link-session", "/auth/introspect")
	w := newWire(t, moneykittest.NewServer(t), nil)
	client := w.client(t, moneykit.WithHeaderAuth())
	account := moneykit.Account{
		Type: "depository", Nickname: "x", Mask: "1", OriginalID: "1",
		Balances: moneykit.Balances{Currency: "USD", Available: number("1"), Current: number("2.5"), Limit: number("3")},
	}
	link := w.mk.AddLink(moneykittest.LinkSpec{
		Webhook: "https://app.test", Tags: []string{"a"},
		Products: []moneykit.Product{moneykit.ProductTransactions}, Accounts: []moneykit.Account{account},
	}).ID
	list := func() error { return second(client.Accounts.List(t.Context(), link, moneykit.AccountListParams{})) }
	session := fullSession("mk_1")
	session.Settings.Providers, session.Settings.Countries = session.Settings.Providers[:1], session.Settings.Countries[:1]
	session.Settings.Products.AccountNumbers, session.Settings.Products.Investments = nil, nil
	session.CustomSandboxData.Owners = session.CustomSandboxData.Owners[:1]
	tests := map[string]func() error{
		"session": func() error { return second(client.LinkSessions.Create(t.Context(), session)) },
		"malformed": func() error {
			return client.Do(t.Context(), http.MethodPost, "/link-session", object{"link_tags": []string{"-"}}, nil)
		},
		"client":   func() error { return second(client.Auth.Introspect(t.Context())) },
		"accounts": list,
		"broken": func() error {
			w.mk.Break(link, moneykit.LinkErrorAuthExpired)
			return list()
		},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			_ = tests[name]() // what it answers is one body among others
			x := w.last(t)
			request := x.status == http.StatusForbidden || x.status == http.StatusCreated
			text := x.got
			if request {
				text = x.sent
			}
			body := decode(t, text)
			agreed := map[bool]int{}
			spoil(body, "", nil, func(what string) {
				text, err := json.Marshal(body)
				require.NoError(t, err)
				r := x.again.Clone(t.Context())
				sent, got := x.sent, x.got
				if request {
					sent = text
				} else {
					got = text
				}
				header := http.Header{"Content-Type": {"application/json"}}
				y := w.oracle.judge(r, sent, x.status, header, got)
				mine := y.response
				var valid bool
				var problems any
				if request {
					mine = y.request
					r.Body = io.NopCloser(bytes.NewReader(sent))
					valid, problems = other.ValidateHttpRequestSync(r)
				} else {
					valid, problems = other.ValidateHttpResponse(r, &http.Response{
						StatusCode: x.status, Header: header, Body: io.NopCloser(bytes.NewReader(got)),
					})
				}
				agreed[valid]++
				assert.Equal(t, valid, mine == nil, "%s: %v, but %v", what, mine, problems)
			})
			assert.Positive(t, agreed[false], "nothing was refused")
		})
	}
}
