package api

import (
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// getHoldings handles get_holdings.
func (a *API) getHoldings(q *call) reply {
	wanted := q.URL.Query()["account_ids"]
	l, rep, ok := q.usable(moneykit.ProductInvestments)
	if !ok {
		return rep
	}
	p := q.world.Portfolio(l)
	holdings, accounts, securities := []moneykit.Holding{}, map[string]bool{}, map[string]bool{}
	for _, h := range p.Holdings {
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
	}{holdings, p.SecuritiesIn(securities), l.AccountsIn(accounts), wire(l)})
}

// getInvestmentTransactions handles get_investment_transactions.
func (a *API) getInvestmentTransactions(q *call) reply {
	params := q.query()
	s := params.span(params.texts("account_ids", 0))
	if rep, ok := params.reply(); !ok {
		return rep
	}
	l, rep, ok := q.usable(moneykit.ProductInvestments)
	if !ok {
		return rep
	}
	p := q.world.Portfolio(l)
	page, total := p.Page(s)
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
	}{page, p.SecuritiesIn(securities), l.AccountsIn(accounts), wire(l), counts{total, s.Page, len(page)}})
}
