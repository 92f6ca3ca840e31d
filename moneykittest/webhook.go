package moneykittest

import (
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// getWellKnownJWKS handles get_well_known_jwks. Anybody may ask.
func (c *core) getWellKnownJWKS(q *call) reply {
	if _, err := c.signingKey(); err != nil {
		return refuse("", "moneykittest cannot make a key")
	}
	keys := []jwk{}
	for _, key := range c.keys {
		if key.until.IsZero() || q.now.Before(key.until) {
			keys = append(keys, key.public)
		}
	}
	return answer(http.StatusOK, map[string][]jwk{"keys": keys})
}

// triggerTestWebhook handles trigger_test_link_webhook_event. The event says how the link is now.
func (c *core) triggerTestWebhook(q *call) reply {
	var params moneykit.TestWebhookParams
	check := object(required("webhook_event", known[moneykit.EventType]()), required("webhook_idempotency_key", text(0, maxBody)))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := c.existing(q)
	if !ok {
		return rep
	}
	if l.webhook == "" {
		return refuse(moneykit.ErrorCodeLinkBadConfig, "the link has no webhook")
	}
	e := c.testEvent(l, params.Event, q.now)
	e.Key = params.IdempotencyKey
	return answer(http.StatusOK, moneykit.TestDelivery{Token: c.queue(l, e, q.now).Token})
}
