package control

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// FuzzVerbs sends arbitrary bodies to all verbs. Each request succeeds or is refused, and none
// causes a server error.
func FuzzVerbs(f *testing.F) {
	for i := range Verbs() {
		f.Add(i, `{}`)
		f.Add(i, `{"link_id": "mk_1", "link_session_token": "x", "url": "http://x", "body": {}, "by": "1h", "token": "x"}`)
	}
	f.Add(0, `{"link_session_token": "x", "play": {"exit": {"error_id": ""}, "accounts": [""]}}`)
	f.Add(3, `{"accounts": [{"account_id": "a", "balances": {"current": 1e400}}], "products": []}`)
	f.Add(15, `{"n": -1, "fault": {"status": 200, "latency": "1ns", "header": {"": [""]}}}`)
	f.Fuzz(func(t *testing.T, i int, body string) {
		verbs := Verbs()
		name := verbs[uint(i)%uint(len(verbs))].Name
		s := &Server{}
		settings := sandbox.Default()
		settings.Delivery.Transport = delivery.Receiver(http.NotFoundHandler())
		s.Sandbox = sandbox.New(t.Context(), settings, s.Reports(t.Logf))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/control/"+name, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		assert.Less(t, w.Code, 500, "%s %s: %s", name, body, w.Body)
		if w.Code != http.StatusOK {
			assert.Contains(t, w.Body.String(), "error_message")
		}
	})
}
