package connect_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestProblemWhileMoneyKitIsDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]moneykittest.Fault{
		"500":        {Status: 500},
		"503":        {Status: 503, Body: "<html>connect-canary"},
		"reset":      {Reset: moneykittest.ResetBefore},
		"cut off":    {Truncate: true},
		"not JSON":   {Body: "<html>connect-canary"},
		"other JSON": {Body: `{"link_session_token":[7],"links":[],"link":"connect-canary"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, moneykittest.NewServer(t), nil)
			link := s.mk.AddLink(moneykittest.LinkSpec{UserID: me, Error: moneykit.LinkErrorAuthExpired})
			payload := s.play(t, me, moneykit.ConnectWeb, moneykittest.Play{Institution: moneykittest.CredentialsBank})
			posts := map[string]string{
				"session": "", "relink": `{"link_id":"` + link.ID + `"}`, "result": `{"result":` + payload + `}`,
			}
			s.mk.Fail("", -1, fault)
			for endpoint, body := range posts {
				w := s.post(t, me, endpoint, body)
				problem := refused(t, w, http.StatusBadGateway, "unavailable")
				assert.Equal(t, moneykit.ActionRetry, problem.Action)
				assert.Equal(t, "Something went wrong on our side. Please try again later.", problem.Message)
				assert.NotContains(t, w.Body.String(), "canary")
			}
			assert.Empty(t, s.calls())
			s.mk.Fail("", 0, moneykittest.Fault{})
			for endpoint, body := range posts {
				assert.Equal(t, http.StatusOK, s.post(t, me, endpoint, body).Code, endpoint)
			}
			assert.Len(t, s.calls(), 1)
		})
	}
}

func TestProblemOfWrongCredentials(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	id, _ := mk.Credentials()
	client, err := moneykit.NewClient(id, "wrong-canary", moneykit.WithBaseURL(mk.URL()),
		moneykit.WithLogger(slog.New(slog.DiscardHandler)), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	require.NoError(t, err)
	s := newShop(t, mk, nil)
	config := s.newConfig()
	config.Logger = slog.New(slog.DiscardHandler)
	s.handler, err = connect.NewHandler(client, config)
	require.NoError(t, err)
	problem := refused(t, s.post(t, me, "session", ""), http.StatusBadGateway, "unavailable")
	assert.Equal(t, moneykit.ActionFix, problem.Action)
}
