package main

import (
	"encoding/json"
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// play makes something happen at a bank of the sandbox. With real keys this endpoint does not
// exist. The webhook follows by itself, as MoneyKit's would.
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
