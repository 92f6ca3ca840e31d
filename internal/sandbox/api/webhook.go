package api

import (
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// getWellKnownJWKS handles get_well_known_jwks. It needs no authentication.
func (a *API) getWellKnownJWKS(q *call) reply {
	keys, err := a.Keys(q.now)
	if err != nil {
		return refuse("", "moneykittest cannot make a key")
	}
	return reply{status: http.StatusOK, media: "application/json", body: keys}
}

// triggerTestWebhook handles trigger_test_link_webhook_event. The event describes the current state
// of the link.
func (a *API) triggerTestWebhook(q *call) reply {
	var params moneykit.TestWebhookParams
	check := object(required("webhook_event", known[moneykit.EventType]()), required("webhook_idempotency_key", text(0, maxBody)))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := q.existing()
	if !ok {
		return rep
	}
	if l.Webhook == "" {
		return refuse(moneykit.ErrorCodeLinkBadConfig, "the link has no webhook")
	}
	return answer(http.StatusOK, struct {
		Token string `json:"delivery_token"`
	}{q.world.AnnounceTest(l, params.Event, params.IdempotencyKey, q.now)})
}
