package moneykittest

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// securitiesOf returns those securities of the portfolio that some rows refer to.
func (p *portfolio) securitiesOf(ids map[string]bool) []moneykit.Security {
	securities := []moneykit.Security{}
	for _, s := range p.securities {
		if ids[s.ID] {
			securities = append(securities, s)
		}
	}
	return securities
}

// getHoldings handles get_holdings.
func (c *core) getHoldings(q *call) reply {
	wanted := q.URL.Query()["account_ids"]
	l, rep, ok := c.usable(q, moneykit.ProductInvestments)
	if !ok {
		return rep
	}
	p := c.portfolio(l)
	holdings, accounts, securities := []moneykit.Holding{}, map[string]bool{}, map[string]bool{}
	for _, h := range p.holdings {
		if chosen(wanted, h.AccountID) {
			holdings = append(holdings, h)
			accounts[h.AccountID], securities[h.SecurityID] = true, true
		}
	}
	return answer(http.StatusOK, struct {
		Holdings   []moneykit.Holding  `json:"holdings"`
		Securities []moneykit.Security `json:"securities"`
		Accounts   []moneykit.Account  `json:"accounts"`
		Link       wireLink            `json:"link"`
	}{holdings, p.securitiesOf(securities), l.accountsOf(accounts), l.wire()})
}

// getInvestmentTransactions handles get_investment_transactions.
func (c *core) getInvestmentTransactions(q *call) reply {
	params := q.query()
	s := params.span(params.texts("account_ids", 0))
	if rep, ok := params.reply(); !ok {
		return rep
	}
	l, rep, ok := c.usable(q, moneykit.ProductInvestments)
	if !ok {
		return rep
	}
	p := c.portfolio(l)
	rows := slices.DeleteFunc(append([]moneykit.InvestmentTransaction{}, p.transactions...), func(t moneykit.InvestmentTransaction) bool {
		return !s.has(t.AccountID, t.Date)
	})
	slices.SortFunc(rows, func(a, b moneykit.InvestmentTransaction) int {
		return cmp.Or(b.Date.Compare(a.Date), cmp.Compare(a.ID, b.ID))
	})
	page := cut(rows, s)
	accounts, securities := map[string]bool{}, map[string]bool{}
	for i := range page {
		accounts[page[i].AccountID], securities[page[i].SecurityID] = true, true
	}
	return answer(http.StatusOK, struct {
		Transactions []moneykit.InvestmentTransaction `json:"investment_transactions"`
		Securities   []moneykit.Security              `json:"securities"`
		Accounts     []moneykit.Account               `json:"accounts"`
		Link         wireLink                         `json:"link"`
		counts
	}{page, p.securitiesOf(securities), l.accountsOf(accounts), l.wire(), counts{len(rows), s.page, len(page)}})
}
