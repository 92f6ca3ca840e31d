package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// play causes an event at a bank of the sandbox. With real keys this endpoint does not exist. The
// sandbox then sends the webhook, as MoneyKit would.
func (a *app) play(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Link string `json:"link"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&body); err != nil {
		writeError(w, http.StatusBadRequest, "the body must be JSON with the member link")
		return
	}
	link, ok := a.ownLink(w, r, body.Link)
	if !ok {
		return
	}
	current, err := a.kit.client.Links.Get(r.Context(), link.id)
	if err != nil {
		writeError(w, http.StatusBadGateway, moneykit.UserMessage(err))
		return
	}
	switch r.PathValue("action") {
	case "break":
		a.kit.sandbox.Break(link.id, moneykit.LinkErrorAuthExpired)
	case "transactions":
		if current.Products.Transactions == nil {
			writeError(w, http.StatusConflict, "This bank shares no transactions.")
			return
		}
		a.kit.sandbox.AddTransactions(link.id, moneykit.Transaction{
			Amount: moneykit.MustDecimal("4.80"), Description: "Coffee at the corner", Pending: true,
		})
	default:
		writeError(w, http.StatusNotFound, "there is no such action")
		return
	}
	a.accounts.forget(link.id)
	w.WriteHeader(http.StatusNoContent)
}

// customData are the accounts of the test user user_custom.
func customData() *moneykit.CustomSandboxData {
	return &moneykit.CustomSandboxData{Accounts: []moneykit.CustomSandboxAccount{
		{AccountType: "depository.checking", Name: "Household", AccountNumber: "000100002222"},
		{AccountType: "depository.savings", Name: "Sailing boat", AccountNumber: "000100003333"},
	}}
}

// sandboxSchema is a table for the links of the sandbox, which has no storage of its own. An
// application with keys does not need it, because MoneyKit stores links.
const sandboxSchema = `
CREATE TABLE IF NOT EXISTS sandbox_links (
	link_id TEXT PRIMARY KEY,
	spec    TEXT NOT NULL
)`

// remember stores the data with which the sandbox can recreate a link. With real keys it does
// nothing.
func (a *app) remember(ctx context.Context, userID string, link *moneykit.Link) error {
	if a.kit.sandbox == nil {
		return nil
	}
	spec := moneykittest.LinkSpec{UserID: userID, InstitutionID: link.InstitutionID, Products: []moneykit.Product{}}
	for product, granted := range map[moneykit.Product]*moneykit.LinkedProduct{
		moneykit.ProductAccountNumbers: link.Products.AccountNumbers,
		moneykit.ProductIdentity:       link.Products.Identity,
		moneykit.ProductTransactions:   link.Products.Transactions,
		moneykit.ProductInvestments:    link.Products.Investments,
	} {
		if granted != nil {
			spec.Products = append(spec.Products, product)
		}
	}
	// Without accounts in its spec a link gets made-up ones.
	if list, err := a.kit.client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{}); err == nil {
		spec.Accounts = list.Accounts
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	_, err = a.store.db.ExecContext(ctx, `INSERT INTO sandbox_links (link_id, spec) VALUES ($1, $2)
		ON CONFLICT (link_id) DO UPDATE SET spec = excluded.spec`, link.ID, string(text))
	return err
}

// restore recreates the links of the database in the sandbox. They get new IDs and new made-up
// transactions. With real keys it does nothing.
func (a *app) restore(ctx context.Context) error {
	if a.kit.sandbox == nil {
		return nil
	}
	for _, statement := range []string{sandboxSchema, `DELETE FROM sandbox_links WHERE link_id NOT IN (SELECT link_id FROM links)`} {
		if _, err := a.store.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	links, err := a.store.list(ctx, selectLinks+`ORDER BY created_at, link_id`)
	if err != nil {
		return err
	}
	for _, link := range links {
		if err := a.restoreLink(ctx, &link); err != nil {
			return fmt.Errorf("a link cannot be restored in the sandbox: %w", err)
		}
	}
	return nil
}

func (a *app) restoreLink(ctx context.Context, link *storedLink) error {
	spec := moneykittest.LinkSpec{UserID: link.userID, InstitutionID: link.institutionID}
	var text string
	err := a.store.db.QueryRowContext(ctx, `SELECT spec FROM sandbox_links WHERE link_id = $1`, link.id).Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &spec)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // The program may have ended between the two rows.
		return err
	}
	spec.Webhook = a.webhookURL()
	if link.state == moneykit.LinkStateError {
		spec.State, spec.Error = link.state, link.problem
	}
	made := a.kit.sandbox.AddLink(spec)
	tx, err := a.store.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // It does nothing after Commit.
	for _, update := range []string{
		`UPDATE links SET link_id = $1 WHERE link_id = $2`,
		`UPDATE sandbox_links SET link_id = $1 WHERE link_id = $2`,
	} {
		if _, err := tx.ExecContext(ctx, update, made.ID, link.id); err != nil {
			return err
		}
	}
	return tx.Commit()
}
