package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
)

const (
	accountLife = 30 * time.Second // MoneyKit allows four reads a minute for each link.
	maxAccounts = 1000             // links with cached accounts
	pageSize    = 12               // transactions
)

// linkView is the JSON of a link for the page. Money is text with exact digits; the browser formats
// it.
type linkView struct {
	Link        string        `json:"link"` // the handle
	Institution string        `json:"institution"`
	Tone        int           `json:"tone"` // the color of its initials
	State       string        `json:"state"`
	Fix         bool          `json:"fix"`
	Notice      string        `json:"notice,omitempty"` // a sentence for the user
	Accounts    []accountView `json:"accounts"`
}

type accountView struct {
	Name     string `json:"name"`
	Mask     string `json:"mask,omitempty"`
	Kind     string `json:"kind"`
	Balance  string `json:"balance,omitempty"` // negative if it is a debt
	Currency string `json:"currency,omitempty"`
}

type totalView struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type transactionView struct {
	Date     string `json:"date"`
	Text     string `json:"text"`
	Account  string `json:"account,omitempty"`
	Amount   string `json:"amount"` // negative if it was spent
	Currency string `json:"currency"`
	Pending  bool   `json:"pending,omitempty"`
}

// listLinks responds with the user's links, their accounts and a total for each currency.
func (a *app) listLinks(w http.ResponseWriter, r *http.Request) {
	userID, err := userOf(r)
	if err != nil {
		writeError(w, http.StatusUnauthorized, err.Error())
		return
	}
	stored, err := a.store.links(r.Context(), userID)
	if err != nil {
		a.fail(w, err)
		return
	}
	views, totals := []linkView{}, map[string]moneykit.Decimal{}
	for _, link := range stored {
		accounts, err := a.readAccounts(r.Context(), &link)
		if errors.Is(err, moneykit.ErrLinkDeleted) {
			continue
		}
		view := linkView{
			Link: connect.LinkHandle(userID, link.id), Institution: link.institution, Tone: tone(link.institutionID),
			State: string(link.state), Fix: link.state == moneykit.LinkStateError, Accounts: []accountView{},
		}
		if err != nil {
			view.Notice = moneykit.UserMessage(err)
		}
		if link.problem != "" {
			view.Notice = link.problem.UserMessage()
		}
		for _, account := range accounts {
			view.Accounts = append(view.Accounts, viewAccount(account, totals))
		}
		views = append(views, view)
	}
	sums := []totalView{}
	for _, currency := range slices.Sorted(maps.Keys(totals)) {
		sums = append(sums, totalView{totals[currency].String(), currency})
	}
	writeJSON(w, http.StatusOK, map[string]any{"links": views, "totals": sums})
}

// viewAccount returns the view of an account, and adds its balance to the totals.
func viewAccount(account moneykit.Account, totals map[string]moneykit.Decimal) accountView {
	kind, specific, ok := strings.Cut(account.Type, ".")
	if ok {
		kind = specific
	}
	view := accountView{Name: account.Name, Mask: account.Mask, Kind: strings.ReplaceAll(kind, "_", " "), Currency: account.Balances.Currency}
	if account.Nickname != "" {
		view.Name = account.Nickname
	}
	if account.Balances.Current == nil || view.Currency == "" {
		return view
	}
	balance := *account.Balances.Current
	if strings.HasPrefix(account.Type, "liability") {
		balance = balance.Neg()
	}
	view.Balance = balance.String()
	totals[view.Currency] = totals[view.Currency].Add(balance)
	return view
}

// tone chooses one of six colors for an institution, always the same.
func tone(institutionID string) int {
	sum := sha256.Sum256([]byte(institutionID))
	return int(sum[0]) % 6
}

// readAccounts returns the accounts of a link, and updates the stored state of the link.
func (a *app) readAccounts(ctx context.Context, link *storedLink) ([]moneykit.Account, error) {
	if accounts, ok := a.accounts.get(link.id); ok {
		return accounts, nil
	}
	list, err := a.kit.client.Accounts.List(ctx, link.id, moneykit.AccountListParams{})
	if err == nil {
		a.accounts.put(link.id, list.Accounts)
		return list.Accounts, a.update(ctx, link, &list.Link)
	}
	current, linkErr := a.kit.client.Links.Get(ctx, link.id)
	switch {
	case errors.Is(linkErr, moneykit.ErrLinkDeleted):
		return nil, errors.Join(linkErr, a.store.remove(ctx, link.id))
	case linkErr == nil:
		return nil, errors.Join(err, a.update(ctx, link, current))
	}
	return nil, err
}

// update stores the state of a link if it has changed.
func (a *app) update(ctx context.Context, link *storedLink, current *moneykit.Link) error {
	if link.state == current.State && link.problem == current.Error {
		return nil
	}
	link.state, link.problem = current.State, current.Error
	return a.store.setState(ctx, current)
}

// listTransactions responds with one page of a link's transactions, newest first.
func (a *app) listTransactions(w http.ResponseWriter, r *http.Request) {
	link, ok := a.ownLink(w, r, r.PathValue("link"))
	if !ok {
		return
	}
	page := 1
	if text := r.URL.Query().Get("page"); text != "" {
		var err error
		if page, err = strconv.Atoi(text); err != nil || page < 1 || page > 100_000 {
			writeError(w, http.StatusBadRequest, "page must be a number from 1")
			return
		}
	}
	list, err := a.kit.client.Transactions.List(r.Context(), link.id, moneykit.TransactionListParams{Page: page, Size: pageSize})
	if err != nil {
		writeError(w, http.StatusBadGateway, moneykit.UserMessage(err))
		return
	}
	names := map[string]string{}
	for _, account := range list.Accounts {
		names[account.ID] = account.Name
	}
	views := []transactionView{}
	for _, t := range list.Transactions {
		amount := t.Amount
		if t.Type == moneykit.TransactionTypeDebit {
			amount = amount.Neg()
		}
		text := t.Description
		if text == "" {
			text = t.RawDescription
		}
		views = append(views, transactionView{t.Date.String(), text, names[t.AccountID], amount.String(), t.Currency, t.Pending})
	}
	writeJSON(w, http.StatusOK, map[string]any{"transactions": views, "total": list.Total, "more": page*pageSize < list.Total})
}

// ownLink finds one of the user's links by its handle. If it finds none, it writes the response.
func (a *app) ownLink(w http.ResponseWriter, r *http.Request, handle string) (storedLink, bool) {
	userID, err := userOf(r)
	if err != nil {
		writeError(w, http.StatusUnauthorized, err.Error())
		return storedLink{}, false
	}
	links, err := a.store.links(r.Context(), userID)
	if err != nil {
		a.fail(w, err)
		return storedLink{}, false
	}
	for _, link := range links {
		if connect.LinkHandle(userID, link.id) == handle {
			return link, true
		}
	}
	writeError(w, http.StatusNotFound, "There is no such bank.")
	return storedLink{}, false
}

// fail responds to an error of the database, and logs it unless the browser has left.
func (a *app) fail(w http.ResponseWriter, err error) {
	if !errors.Is(err, context.Canceled) {
		slog.Error("the database failed", "error", err)
	}
	writeError(w, http.StatusInternalServerError, "Something went wrong on our side. Please try again later.")
}

// accountCache caches the accounts of links for a short time. The zero value is empty.
type accountCache struct {
	mu    sync.Mutex
	links map[string]cachedAccounts
}

type cachedAccounts struct {
	accounts []moneykit.Account
	until    time.Time
}

func (c *accountCache) get(linkID string) ([]moneykit.Account, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.links[linkID]
	return cached.accounts, ok && time.Now().Before(cached.until)
}

func (c *accountCache) put(linkID string, accounts []moneykit.Account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.links == nil || len(c.links) >= maxAccounts {
		c.links = map[string]cachedAccounts{}
	}
	c.links[linkID] = cachedAccounts{accounts, time.Now().Add(accountLife)}
}

// forget evicts the accounts of a link, after a webhook about a change.
func (c *accountCache) forget(linkID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, linkID)
}
