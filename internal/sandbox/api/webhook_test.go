package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestTestWebhook(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	client := mk.Client()
	params := moneykit.TestWebhookParams{Event: moneykit.EventTypeLinkStateChanged, IdempotencyKey: "key"}
	link := mk.addLink(t, world.LinkSpec{})
	_, err := client.Webhooks.SendTest(t.Context(), link.ID, params)
	isError(t, err, moneykit.ErrorCodeLinkBadConfig, 400)
	_, err = client.Links.Update(t.Context(), link.ID, moneykit.LinkUpdateParams{Webhook: moneykit.Set("https://app.example/hook")})
	require.NoError(t, err)
	one, err := client.Webhooks.SendTest(t.Context(), link.ID, params)
	require.NoError(t, err)
	two, err := client.Webhooks.SendTest(t.Context(), link.ID, params)
	require.NoError(t, err)
	assert.NotEmpty(t, one.Token)
	assert.NotEqual(t, one, two)
	for _, body := range []string{
		`{"webhook_event":"x","webhook_idempotency_key":"k"}`, `{"webhook_event":"link.state_changed"}`, `{"webhook_idempotency_key":"k"}`,
	} {
		assert.Equal(t, 422, ask(t, mk, http.MethodPost, "/webhooks/test/link/"+link.ID, body).status)
	}
}
