package moneykittest_test

import (
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// products is what a read of a link's data needs.
func products() map[string]moneykit.Product {
	return map[string]moneykit.Product{
		"accounts": moneykit.ProductAccounts, "accounts/acc_x": moneykit.ProductAccounts,
		"accounts/numbers": moneykit.ProductAccountNumbers, "identity": moneykit.ProductIdentity,
		"transactions": moneykit.ProductTransactions, "transactions/sync": moneykit.ProductTransactions,
		"investments/holdings": moneykit.ProductInvestments, "investments/transactions": moneykit.ProductInvestments,
	}
}

// TestReadsOfLinks has every refusal that the reads of a link's data have in common.
func TestReadsOfLinks(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	good := mk.AddLink(moneykittest.LinkSpec{})
	broken := mk.AddLink(moneykittest.LinkSpec{Error: moneykit.LinkErrorInstitutionError})
	waiting := mk.AddLink(moneykittest.LinkSpec{State: moneykit.LinkStateAwaitingTokenExchange})
	deleted := mk.AddLink(moneykittest.LinkSpec{State: moneykit.LinkStateDeleted})
	for path, product := range products() {
		read := func(id string, headers ...string) answer {
			return ask(t, mk, http.MethodGet, "/links/"+id+"/"+path, "", headers...)
		}
		refused := func(a answer, status int, code moneykit.ErrorCode) {
			t.Helper()
			assert.Equal(t, status, a.status, path)
			assert.Equal(t, string(code), a.field(t, "error_code"), path)
		}
		if path != "accounts/acc_x" {
			assert.Equal(t, 200, read(good.ID).status, path)
		}
		refused(read(good.ID, "X-Client-Id: x"), 401, moneykit.ErrorCodeUnauthorized)
		forbidden := mk.AddLink(moneykittest.LinkSpec{NotPermitted: []moneykit.Product{product}})
		refused(read(forbidden.ID), 403, moneykit.ErrorCodeLinkForbiddenAction)
		refused(read("mk_x"), 404, moneykit.ErrorCodeLinkNotFound)
		refused(read(deleted.ID), 410, moneykit.ErrorCodeLinkDeleted)
		refused(read(broken.ID), 422, moneykit.ErrorCodeLinkBadState)
		assert.Equal(t, "institution_error", read(broken.ID).field(t, "link_error_code"))
		assert.Equal(t, "incomplete", read(waiting.ID).field(t, "link_error_code"))
	}
}

// TestWritesOfLinks is the same for operations with a body.
func TestWritesOfLinks(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	good := mk.AddLink(moneykittest.LinkSpec{})
	deleted := mk.AddLink(moneykittest.LinkSpec{State: moneykit.LinkStateDeleted})
	for _, op := range []struct{ method, before, after, body string }{
		{http.MethodPatch, "/links/", "", `{}`},
		{http.MethodPost, "/links/", "/reset", ``},
		{http.MethodPost, "/links/", "/products", `{"products":["accounts"]}`},
		{http.MethodPost, "/links/", "/transactions/txn_x/enrichment", `{"category":"home"}`},
		{http.MethodPost, "/webhooks/test/link/", "", `{"webhook_event":"link.state_changed","webhook_idempotency_key":"k"}`},
	} {
		send := func(id, body string, headers ...string) int {
			return ask(t, mk, op.method, op.before+id+op.after, body, headers...).status
		}
		assert.Equal(t, 401, send(good.ID, op.body, "X-Client-Secret: x"), op.after)
		assert.Equal(t, 404, send("mk_x", op.body), op.after)
		assert.Equal(t, 410, send(deleted.ID, op.body), op.after)
		if op.body != "" {
			assert.Equal(t, 422, send(good.ID, "[]"), op.after)
		}
	}
}

// TestQueries sends what no parameter may be.
func TestQueries(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	link := mk.AddLink(moneykittest.LinkSpec{})
	dated := []string{
		"page=0", "page=x", "page=-1", "page=1.5", "page=", "size=0", "size=1001", "start_date=2030-02-30", "start_date=x",
		"end_date=2030-1-1", "start_date=2030-01-02&end_date=2030-01-01", "end_date=",
	}
	for path, queries := range map[string][]string{
		"/links/" + link.ID + "/transactions":             dated,
		"/links/" + link.ID + "/investments/transactions": dated,
		"/links/" + link.ID + "/transactions/sync":        {"size=0", "size=501", "size=x", "cursor=x"},
		"/users/user_0001/transactions":                   append([]string{"account_id="}, dated...),
		"/users/user_0001/accounts":                       {"account_ids="},
		"/links":                                          {"limit=499", "limit=5001", "limit=x", "cursor=x", "cursor=e30"},
		"/institutions":                                   {"limit=0", "limit=1001", "featured=perhaps", "cursor=x", "cursor=e30", "cursor=" + encode(`{"institution":999}`)},
	} {
		assert.Equal(t, 200, ask(t, mk, http.MethodGet, path, "").status)
		for _, query := range queries {
			a := ask(t, mk, http.MethodGet, path+"?"+query, "")
			assert.Equal(t, 422, a.status, "%s?%s", path, query)
			parts := strings.Split(query, "&")
			name, _, _ := strings.Cut(parts[len(parts)-1], "=")
			problem := a.field(t, "validation_errors").([]any)[0].(map[string]any)
			assert.Equal(t, []any{"query", name}, problem["location"])
			assert.NotEmpty(t, problem["message"])
			assert.NotEmpty(t, problem["type"])
		}
	}
	assert.JSONEq(t, `[]`, string(raw(t, ask(t, mk, http.MethodGet, "/links/"+link.ID+"/transactions?page=9223372036854775807&size=1000", ""), "transactions")))
}

func TestTransactionLists(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day())
	client := mk.Client()
	ctx := t.Context()
	link := mk.AddLink(moneykittest.LinkSpec{})
	second := mk.AddLink(moneykittest.LinkSpec{InstitutionID: moneykittest.OAuthBank})
	mk.AddLink(moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired})
	mk.AddLink(moneykittest.LinkSpec{UserID: "somebody else"})
	truth := mk.Transactions(link.ID)
	require.Greater(t, len(truth), 100)
	both := byID(append(slices.Clone(truth), mk.Transactions(second.ID)...))

	for _, size := range []int{0, 7, 50, len(truth)} {
		all := collect(t, client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{Size: size}))
		assert.Equal(t, truth, byID(all))
		assert.True(t, slices.IsSortedFunc(all, func(a, b moneykit.Transaction) int { return b.Date.Compare(a.Date) }), "newest first")
		all = collect(t, client.Users.AllTransactions(ctx, "user_0001", moneykit.UserTransactionListParams{Size: size}))
		assert.Equal(t, both, byID(all))
		assert.True(t, slices.IsSortedFunc(all, func(a, b moneykit.Transaction) int { return b.Date.Compare(a.Date) }), "newest first")
	}

	// Days and accounts.
	first, last := moneykit.Date{Year: 2030, Month: 5, Day: 1}, moneykit.Date{Year: 2030, Month: 5, Day: 20}
	account := truth[0].AccountID
	var want []moneykit.Transaction
	for _, tx := range truth {
		if tx.AccountID == account && tx.Date.Compare(first) >= 0 && tx.Date.Compare(last) <= 0 {
			want = append(want, tx)
		}
	}
	params := moneykit.TransactionListParams{AccountIDs: []string{account}, StartDate: first, EndDate: last, Size: 3}
	page, err := client.Transactions.List(ctx, link.ID, params)
	require.NoError(t, err)
	assert.Equal(t, len(want), page.Total)
	assert.Equal(t, 1, page.Page)
	assert.Equal(t, 3, page.Size)
	require.Len(t, page.Accounts, 1)
	assert.Equal(t, account, page.Accounts[0].ID)
	assert.Equal(t, link, page.Link)
	assert.Equal(t, want, byID(collect(t, client.Transactions.All(ctx, link.ID, params))))
	user := moneykit.UserTransactionListParams{AccountIDs: []string{account}, StartDate: first, EndDate: last}
	assert.Equal(t, want, byID(collect(t, client.Users.AllTransactions(ctx, "user_0001", user))))
	of, err := client.Users.Transactions(ctx, "user_0001", user)
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.BasicAccount{account: {
		Name: page.Accounts[0].Name, LinkID: link.ID, InstitutionID: moneykittest.InstantBank, LastSyncedAt: link.Products.Accounts.RefreshedAt,
	}}, of.Accounts)

	// The last page is smaller, and what is beyond it empty.
	page, err = client.Transactions.List(ctx, link.ID, moneykit.TransactionListParams{Page: 2, Size: len(truth) - 1})
	require.NoError(t, err)
	assert.Equal(t, 1, page.Size)
	assert.Equal(t, len(truth), page.Total)
	a := ask(t, mk, http.MethodGet, "/links/"+link.ID+"/transactions?page=99", "")
	assert.JSONEq(t, `[]`, string(raw(t, a, "transactions")))
	assert.JSONEq(t, `[]`, string(raw(t, a, "accounts")))
	nobody, err := client.Users.Transactions(ctx, "nobody/at all", moneykit.UserTransactionListParams{})
	require.NoError(t, err)
	assert.Equal(t, &moneykit.UserTransactionPage{Transactions: []moneykit.Transaction{}, Accounts: map[string]moneykit.BasicAccount{}, Page: 1}, nobody)
}

func TestMadeUpTransactions(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day(), moneykittest.WithHistory(2*365*24*time.Hour))
	link := mk.AddLink(moneykittest.LinkSpec{})
	rows := mk.Transactions(link.ID)
	assert.Greater(t, len(rows), 1000)
	today := moneykit.Date{Year: 2030, Month: 6, Day: 20}
	seen := map[string]int{}
	oldest := today
	for _, tx := range rows {
		require.Regexp(t, `^txn_[0-9A-Za-z]{22}$`, tx.ID)
		require.True(t, tx.Type.Known())
		require.Positive(t, tx.Amount.Sign())
		require.Equal(t, "USD", tx.Currency)
		require.LessOrEqual(t, tx.Date.Compare(today), 0)
		require.NotEmpty(t, tx.Description)
		require.NotEmpty(t, tx.RawDescription)
		require.NotNil(t, tx.Enrichment)
		require.True(t, moneykit.Category(tx.Enrichment.Category.Value).Known())
		require.True(t, moneykit.Subcategory(tx.Enrichment.Subcategory.Value).Known())
		require.LessOrEqual(t, *tx.Enrichment.Category.Confidence, 100)
		if tx.Date.Compare(oldest) < 0 {
			oldest = tx.Date
		}
		seen[string(tx.Type)]++
		seen[tx.AccountID]++
		for what, is := range map[string]bool{
			"pending": tx.Pending, "time": !tx.Datetime.IsZero(), "merchant": tx.Enrichment.Merchant != nil,
			"processor": tx.Enrichment.Processor != nil, "recurrence": tx.Enrichment.Recurrence != nil,
		} {
			if is {
				seen[what]++
			}
		}
	}
	assert.Len(t, seen, 2+3+5, "%v", seen)
	assert.Equal(t, 2028, oldest.Year)

	// Without enrichment there is none.
	link = mk.AddLink(moneykittest.LinkSpec{Products: []moneykit.Product{moneykit.ProductTransactions}})
	assert.Nil(t, mk.Transactions(link.ID)[0].Enrichment)
	// From investments nobody pays, and some users have one account only.
	link = mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{{Type: "investment.ira", Name: "IRA"}}})
	assert.Empty(t, mk.Transactions(link.ID))
	link = mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{{Type: "other", Name: "Wallet"}}})
	assert.NotEmpty(t, mk.Transactions(link.ID))
	mk.Refresh(link.ID)
}

func TestCorrectEnrichment(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day())
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{})
	var gym moneykit.Transaction
	alike := 0
	for _, tx := range mk.Transactions(link.ID) {
		if m := tx.Enrichment.Merchant; m != nil && m.Name == "Ironwood Gym" {
			gym = tx
			alike++
		}
	}
	require.Greater(t, alike, 1)
	params := moneykit.EnrichmentParams{Category: moneykit.CategoryEducation, Subcategory: moneykit.SubcategoryHobbies}
	corrected, err := client.Transactions.CorrectEnrichment(t.Context(), link.ID, gym.ID, params)
	require.NoError(t, err)
	require.Len(t, corrected.Transactions, alike)
	assert.Equal(t, gym.ID, corrected.Transactions[0].ID)
	assert.Len(t, corrected.Accounts, 1)
	assert.Equal(t, link, corrected.Link, "it is no refresh")
	for _, tx := range mk.Transactions(link.ID) {
		if i := slices.IndexFunc(corrected.Transactions, func(c moneykit.Transaction) bool { return c.ID == tx.ID }); i >= 0 {
			assert.Equal(t, corrected.Transactions[i], tx)
			assert.Equal(t, "education", tx.Enrichment.Category.Value)
			assert.Equal(t, "hobbies", tx.Enrichment.Subcategory.Value)
			assert.Equal(t, gym.Enrichment.Merchant.Name, tx.Enrichment.Merchant.Name)
		} else {
			assert.NotEqual(t, "education", tx.Enrichment.Category.Value)
		}
	}
	_, err = client.Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_x", params)
	isError(t, err, moneykit.ErrNotFound, 404)
	for _, body := range []string{`{}`, `{"category":"x"}`, `{"category":null}`, `{"category":"home","subcategory":"x"}`} {
		assert.Equal(t, 422, ask(t, mk, http.MethodPost, "/links/"+link.ID+"/transactions/"+gym.ID+"/enrichment", body).status)
	}

	// One that is alone, and had nothing.
	mk.AddTransactions(link.ID, moneykit.Transaction{ID: "txn_bare"})
	corrected, err = client.Transactions.CorrectEnrichment(t.Context(), link.ID, "txn_bare", moneykit.EnrichmentParams{Category: moneykit.CategoryTaxes})
	require.NoError(t, err)
	require.Len(t, corrected.Transactions, 1)
	assert.Nil(t, corrected.Transactions[0].Enrichment.Subcategory)
}

func TestInvestments(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t, day())
	client := mk.Client()
	ctx := t.Context()
	link := mk.AddLink(moneykittest.LinkSpec{})
	check := func() (*moneykit.HoldingList, []moneykit.InvestmentTransaction) {
		list, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
		require.NoError(t, err)
		require.Len(t, list.Accounts, 1)
		account := list.Accounts[0]
		ids := map[string]bool{}
		for _, s := range list.Securities {
			ids[s.ID] = true
			assert.Regexp(t, `^sec_`, s.ID)
			if s.ISIN != "" {
				assert.Regexp(t, `^US\d{10}$`, s.ISIN)
				assert.Zero(t, luhn("3028"+s.ISIN[2:])) // U and S as numbers
			}
		}
		sum := new(big.Rat)
		for _, h := range list.Holdings {
			assert.True(t, ids[h.SecurityID])
			assert.Equal(t, account.ID, h.AccountID)
			sum.Add(sum, h.Value.Rat())
			if h.Price != nil {
				assert.Regexp(t, `^\d+\.\d{10}$`, h.Quantity.String())
				value := new(big.Rat).Mul(h.Quantity.Rat(), h.Price.Rat())
				assert.Equal(t, value.FloatString(2), h.Value.String())
			}
		}
		assert.Equal(t, account.Balances.Current.String(), sum.FloatString(2), "holdings are what is in the account")
		rows := collect(t, client.Investments.AllTransactions(ctx, link.ID, moneykit.InvestmentTransactionListParams{Size: 4}))
		assert.True(t, slices.IsSortedFunc(rows, func(a, b moneykit.InvestmentTransaction) int { return b.Date.Compare(a.Date) }))
		for _, it := range rows {
			assert.Regexp(t, `^it_`, it.ID)
			switch it.Type {
			case "buy":
				assert.Positive(t, it.Amount.Sign())
				assert.Positive(t, it.Quantity.Sign())
			case "sell":
				assert.Negative(t, it.Amount.Sign())
				assert.Negative(t, it.Quantity.Sign())
			case "fee":
				assert.Positive(t, it.Amount.Sign())
			case "cash.dividend", "transfer":
				assert.Negative(t, it.Amount.Sign())
			default:
				assert.Fail(t, it.Type)
			}
		}
		return list, rows
	}
	before, history := check()
	require.NotEmpty(t, history)
	page, err := client.Investments.Transactions(ctx, link.ID, moneykit.InvestmentTransactionListParams{Size: 5, StartDate: history[4].Date})
	require.NoError(t, err)
	assert.Equal(t, history[:5], page.Transactions)
	for _, it := range page.Transactions {
		if it.SecurityID != "" {
			assert.True(t, slices.ContainsFunc(page.Securities, func(s moneykit.Security) bool { return s.ID == it.SecurityID }))
		}
	}

	mk.Advance(24 * time.Hour)
	_, err = client.Products.Refresh(ctx, link.ID, []moneykit.Product{moneykit.ProductInvestments})
	require.NoError(t, err)
	after, more := check()
	assert.NotEqual(t, before.Holdings, after.Holdings)
	assert.Len(t, more, len(history)+1)
	assert.True(t, after.Link.Products.Investments.RefreshedAt.After(before.Link.Products.Investments.RefreshedAt.Time))

	none, err := client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{AccountIDs: []string{"acc_x"}})
	require.NoError(t, err)
	assert.Equal(t, []moneykit.Holding{}, none.Holdings)
	assert.Equal(t, []moneykit.Security{}, none.Securities)
	link = mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{{Type: "investment"}, {Type: "depository"}, {Type: "liability"}}})
	mk.Refresh(link.ID)
	_, err = client.Investments.Holdings(ctx, link.ID, moneykit.HoldingListParams{})
	require.NoError(t, err)
}

func TestNumbersAndOwners(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	ctx := t.Context()
	all := collect(t, client.Institutions.All(ctx, moneykit.InstitutionListParams{}))
	for country, currency := range map[moneykit.Country]string{moneykit.CountryUS: "USD", moneykit.CountryCA: "CAD", moneykit.CountryGB: "GBP"} {
		in := all[slices.IndexFunc(all, func(in moneykit.Institution) bool { return in.Country == country && len(in.IDAliases) > 0 })]
		link := mk.AddLink(moneykittest.LinkSpec{InstitutionID: in.IDAliases[0]})
		assert.Equal(t, in.ID, link.InstitutionID)
		list, err := client.Accounts.Numbers(ctx, link.ID)
		require.NoError(t, err)
		require.Len(t, list.Accounts, 4)
		one, err := client.Accounts.Get(ctx, link.ID, list.Accounts[0].ID)
		require.NoError(t, err)
		assert.Equal(t, currency, one.Account.Balances.Currency)
		assert.Equal(t, one.Account.Mask, list.Accounts[0].Mask)
		assert.Equal(t, one.Account.Balances, list.Accounts[0].Balances)
		for _, a := range list.Accounts {
			n := a.Numbers
			assert.NotNil(t, n.ACH)
			assert.NotNil(t, n.EFT)
			assert.NotNil(t, n.BACS)
			assert.NotNil(t, n.International)
			if !strings.HasPrefix(a.Type, "depository") {
				assert.Equal(t, 0, len(n.ACH)+len(n.EFT)+len(n.BACS)+len(n.International))
				continue
			}
			assert.Equal(t, country == moneykit.CountryUS, len(n.ACH) == 1)
			assert.Equal(t, country == moneykit.CountryCA, len(n.EFT) == 1)
			assert.Equal(t, country == moneykit.CountryGB, len(n.BACS) == 1)
			assert.Len(t, n.International, len(n.BACS))
			var number string
			switch country {
			case moneykit.CountryUS:
				number = n.ACH[0].AccountNumber
				assert.Regexp(t, `^\d{12}$`, number)
				assert.Zero(t, abaSum(n.ACH[0].RoutingNumber))
				if n.ACH[0].WireRoutingNumber != "" {
					assert.Zero(t, abaSum(n.ACH[0].WireRoutingNumber))
				}
			case moneykit.CountryCA:
				number = n.EFT[0].AccountNumber
				assert.Regexp(t, `^\d{7} \d{3} \d{5}$`, number+" "+n.EFT[0].InstitutionNumber+" "+n.EFT[0].BranchNumber)
			case moneykit.CountryGB:
				number = n.BACS[0].AccountNumber
				assert.Regexp(t, `^\d{8} \d{6}$`, number+" "+n.BACS[0].SortCode)
				assert.True(t, ibanIsRight(n.International[0].IBAN), n.International[0].IBAN)
				assert.Regexp(t, `^[A-Z]{4}GB[A-Z0-9]{2}$`, n.International[0].BIC)
			}
			assert.True(t, strings.HasSuffix(number, a.Mask))
		}
		again, err := client.Accounts.Numbers(ctx, link.ID)
		require.NoError(t, err)
		assert.Equal(t, list, again)

		owners, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{})
		require.NoError(t, err)
		require.Len(t, owners.Accounts, 4)
		for i, a := range owners.Accounts {
			require.Len(t, a.Owners, map[bool]int{false: 1, true: 2}[i == 1])
			owner := a.Owners[0]
			assert.Equal(t, owners.Accounts[0].Owners[0], owner)
			assert.NotEmpty(t, owner.Names)
			assert.Equal(t, string(country), owner.Addresses[0].Country)
			assert.True(t, owner.PhoneNumbers[0].Type.Known())
			assert.Contains(t, owner.Emails[0].Address, "@mail.example")
		}
		some, err := client.Identity.List(ctx, link.ID, moneykit.IdentityListParams{AccountIDs: []string{owners.Accounts[2].ID}})
		require.NoError(t, err)
		assert.Equal(t, owners.Accounts[2:3], some.Accounts)
	}
	link := mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{{ID: "acc_old", Type: "depository", Closed: true}, {ID: "acc_x", Type: "depository", Mask: "no digits"}}})
	_, err := client.Accounts.Get(ctx, link.ID, "acc_old")
	isError(t, err, moneykit.ErrNotFound, 404)
	numbers, err := client.Accounts.Numbers(ctx, link.ID)
	require.NoError(t, err)
	require.Len(t, numbers.Accounts, 1)
	assert.Regexp(t, `^\d{12}$`, numbers.Accounts[0].Numbers.ACH[0].AccountNumber)
}

func luhn(digits string) int {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum % 10
}

func abaSum(number string) int {
	sum := 0
	for i, r := range number {
		sum += int(r-'0') * []int{3, 7, 1}[i%3]
	}
	return sum % 10
}

func ibanIsRight(iban string) bool {
	var digits strings.Builder
	for _, r := range iban[4:] + iban[:4] {
		if r >= 'A' {
			digits.WriteString(big.NewInt(int64(r-'A') + 10).String())
		} else {
			digits.WriteRune(r)
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && n.Mod(n, big.NewInt(97)).Int64() == 1
}

func TestUsers(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	ctx := t.Context()
	one := mk.AddLink(moneykittest.LinkSpec{UserID: "a/b c"})
	two := mk.AddLink(moneykittest.LinkSpec{UserID: "a/b c", Error: moneykit.LinkErrorAuthExpired})
	gone := mk.AddLink(moneykittest.LinkSpec{UserID: "a/b c"})
	secret := mk.AddLink(moneykittest.LinkSpec{UserID: "a/b c", NotPermitted: []moneykit.Product{moneykit.ProductAccounts}})
	mk.AddLink(moneykittest.LinkSpec{UserID: "another"})
	require.NoError(t, client.Links.Delete(ctx, gone.ID))
	links, err := client.Users.Links(ctx, "a/b c")
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.Link{one.ID: one, two.ID: two, secret.ID: secret}, links.Links)

	list, err := client.Accounts.List(ctx, one.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	accounts, err := client.Users.Accounts(ctx, "a/b c", moneykit.UserAccountListParams{})
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.AccountGroup{
		one.ID: {Accounts: list.Accounts, LastSyncedAt: one.Products.Accounts.RefreshedAt},
	}, accounts.Links)
	accounts, err = client.Users.Accounts(ctx, "a/b c", moneykit.UserAccountListParams{AccountIDs: []string{list.Accounts[1].ID}})
	require.NoError(t, err)
	assert.Equal(t, list.Accounts[1:2], accounts.Links[one.ID].Accounts)
	accounts, err = client.Users.Accounts(ctx, "a/b c", moneykit.UserAccountListParams{AccountIDs: []string{"acc_x"}})
	require.NoError(t, err)
	assert.Empty(t, accounts.Links)
	rows, err := client.Users.Transactions(ctx, "a/b c", moneykit.UserTransactionListParams{})
	require.NoError(t, err)
	assert.Subset(t, []string{one.ID, secret.ID}, slices.Collect(func(yield func(string) bool) {
		for a := range maps.Values(rows.Accounts) {
			if !yield(a.LinkID) {
				return
			}
		}
	}))
	nobody, err := client.Users.Links(ctx, "nobody")
	require.NoError(t, err)
	assert.Equal(t, map[string]moneykit.Link{}, nobody.Links)
}
