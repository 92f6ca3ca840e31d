package connect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

const (
	canaryUser  = "canary.user.0005@example.com"
	canaryEmail = "canary.jane+0002@example.com"
	canaryPhone = "+617555000003"
	canaryTyped = "canary-typed-0006"
)

// canaryShop is a shop whose user has recognizable personal data. It collects secrets and
// responses.
type canaryShop struct {
	*shop

	source    moneykit.ConnectSource
	marks     []string
	responses []string
}

func (s *canaryShop) post(t *testing.T, endpoint, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := s.shop.post(t, canaryUser, endpoint, body)
	s.responses = append(s.responses, fmt.Sprint(w.Header(), w.Body))
	return w
}

// play opens a session, plays the user in Connect, and returns the token and the result.
func (s *canaryShop) play(t *testing.T, endpoint, body string) (token, payload string) {
	t.Helper()
	token = s.launch(t, canaryUser, endpoint, body).Token
	s.marks = append(s.marks, token)
	return token, string(s.mk.Connect(token, s.source, moneykittest.Play{}))
}

// No response and no log record contains a secret or personal data.
func TestHandlerCanary(t *testing.T) {
	t.Parallel()
	for i, source := range sources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t)
			_, secret := mk.Credentials()
			s := &canaryShop{source: source, marks: []string{canaryUser, canaryEmail, canaryPhone, canaryTyped, "canary", secret}}
			s.shop = newShop(t, mk, func(c *connect.Config) {
				c.Development = i%2 == 0 // for two of the platforms
				c.OnDisconnected = func(context.Context, string, string) error { return errors.New("the database is down") }
				c.TrustedOrigins = []string{"https://app.example"}
				c.User = func(*http.Request) (moneykit.CustomerUser, error) {
					return moneykit.CustomerUser{
						ID: canaryUser, Email: &moneykit.CustomerUserEmail{Address: canaryEmail},
						Phone: &moneykit.CustomerUserPhone{Number: canaryPhone},
					}, nil
				}
			})
			token, payload := s.play(t, "session", "")
			s.postEvents(t, token)
			s.postBadResults(t)
			linkID := s.postResult(t, payload)
			s.relink(t, linkID)
			s.failSessions(t)
			s.postFromElsewhere(t)
			s.post(t, "disconnect", `{"link":"`+canaryTyped+`"}`)
			s.post(t, "disconnect", `{"link_id":"`+linkID+`"}`)

			require.Greater(t, len(s.responses), 15)
			require.NotEmpty(t, s.log.String())
			for _, mark := range s.marks {
				for _, response := range s.responses {
					assert.NotContains(t, response, mark)
				}
				for line := range strings.Lines(s.log.String()) {
					if strings.Contains(line, mark) {
						t.Errorf("%q is in the log: %s", mark, line)
					}
				}
			}
		})
	}
}

func (s *canaryShop) postEvents(t *testing.T, token string) {
	t.Helper()
	for _, event := range s.mk.ConnectEvents(token, s.source) {
		s.post(t, "event", string(event))
	}
	s.post(t, "event", `{"name":"search_institution","properties":{"search_term":"`+canaryTyped+`"}}`)
	s.post(t, "event", `{"name":"`+canaryTyped+`"}`)
	s.post(t, "event", `{"name":"`+canaryTyped+`"`)
}

func (s *canaryShop) postBadResults(t *testing.T) {
	t.Helper()
	s.post(t, "result", `{"result":["`+canaryTyped+`"]}`)
	s.post(t, "result", `{"result":null,"link_id":"`+canaryTyped)
	// The front end gets back the sentence of an exit. The log does not.
	w := s.shop.post(t, canaryUser, "result", `{"result":{"errorId":"bank_down","displayedMessage":"`+canaryTyped+`"}}`)
	assert.Contains(t, w.Body.String(), canaryTyped)
	s.post(t, "result", posted(`{"institution":{"id":"a","name":"`+canaryTyped+`"},"accounts":[]}`, "mk_other"))
}

// postResult posts a result whose exchange, verification and hook fail at first.
func (s *canaryShop) postResult(t *testing.T, payload string) (linkID string) {
	t.Helper()
	result, body := parsed(t, payload), `{"result":`+payload+`}`
	s.marks = append(s.marks, result.ExchangeableToken)
	s.mk.Fail("exchange_token", 1, moneykittest.Fault{Status: 500, Body: payload + canaryEmail})
	s.post(t, "result", body)
	s.mk.Fail("exchange_token", 1, moneykittest.Fault{
		Code: moneykit.ErrorCodeValidationFailed,
		Body: `{"detail":[{"loc":["body","exchangeable_token"],"msg":"` + result.ExchangeableToken + `","input":"` + canaryEmail + `"}]}`,
	})
	s.post(t, "result", body)
	s.mk.Fail("get_user_links", 1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
	s.post(t, "result", body)
	s.setFail(errors.New("the database is down"))
	s.post(t, "result", body)
	s.setFail(nil)
	w := s.post(t, "result", body)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	return result.LinkID
}

func (s *canaryShop) relink(t *testing.T, linkID string) {
	t.Helper()
	s.mk.Break(linkID, moneykit.LinkErrorAuthExpired)
	_, payload := s.play(t, "relink", `{"link_id":"`+linkID+`"}`)
	w := s.post(t, "result", posted(payload, linkID))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	s.post(t, "relink", `{"link_id":"`+linkID+`"}`)
	r := newRequest(t, canaryUser, "result", strings.NewReader(payload))
	r.Header.Set("Content-Type", canaryTyped)
	w = s.serve(t, r)
	s.responses = append(s.responses, fmt.Sprint(w.Header(), w.Body))
}

// postFromElsewhere sends marked text in every part of a request that a browser controls.
func (s *canaryShop) postFromElsewhere(t *testing.T) {
	t.Helper()
	for _, method := range []string{"POST", "OPTIONS", "GET", canaryTyped} {
		for _, endpoint := range []string{"session", "relink", "result", "event", "disconnect", canaryTyped} {
			for header, value := range map[string]string{
				"Origin": "https://" + canaryTyped + ".example", "Content-Type": "text/" + canaryTyped,
				"Access-Control-Request-Method": canaryTyped, "Access-Control-Request-Headers": canaryTyped,
				"Sec-Fetch-Site": canaryTyped, "Cookie": canaryTyped, "User-Agent": canaryTyped, "Referer": canaryTyped,
			} {
				for _, body := range []string{"", `{"` + canaryTyped, `{"link":["` + canaryTyped + `"]}`, `{"name":["` + canaryTyped + `"]}`} {
					r := newRequest(t, canaryUser, endpoint+"?"+canaryTyped, strings.NewReader(body))
					r.Method = method
					r.Header.Set("Origin", "https://app.example")
					r.Header.Set(header, value)
					w := s.serve(t, r)
					s.responses = append(s.responses, fmt.Sprint(w.Header(), w.Body))
				}
			}
		}
	}
}

func (s *canaryShop) failSessions(t *testing.T) {
	t.Helper()
	detail := `{"detail":[{"loc":["body","` + canaryUser + `"],"msg":"` + canaryPhone + `","input":"` + canaryEmail + `"}]}`
	for _, fault := range []moneykittest.Fault{
		{Status: 500, Body: canaryUser + canaryEmail + canaryPhone},
		{Code: moneykit.ErrorCodeUnauthorized},
		{Reset: moneykittest.ResetAfter},
		{Body: `{"link_session_token":["` + canaryEmail + `"]}`},
		{Code: moneykit.ErrorCodeValidationFailed, Body: detail},
		{Code: moneykit.ErrorCodeRateLimitExceeded},
	} {
		s.mk.Fail("create_link_session", 1, fault)
		s.post(t, "session", "")
	}
}

// FuzzHandler sends anything to the endpoints, as a user who has a link and knows another user's
// token and link. Hooks are called for links of the user only.
func FuzzHandler(f *testing.F) {
	mk := moneykittest.New()
	f.Cleanup(mk.Close)
	s := newShop(f, mk, nil)
	body := `{"result":` + s.play(f, me, moneykit.ConnectWeb, moneykittest.Play{}) + `}`
	s.post(f, me, "result", body)
	mine := s.calls()[0].link.ID
	theirs := s.play(f, victim, moneykit.ConnectAndroid, moneykittest.Play{})
	working := mk.AddLink(moneykittest.LinkSpec{UserID: victim})
	s.log.Reset()

	const JSON = "application/json"
	f.Add("POST", "session", JSON, []byte(nil))
	f.Add("POST", "relink", JSON, []byte(`{"link_id":"`+mine+`"}`))
	f.Add("POST", "relink", JSON, []byte(`{"link_id":"`+working.ID+`"}`))
	f.Add("POST", "relink", JSON, []byte(`{"link_id":"../%2e\u0000?"}`))
	f.Add("POST", "result", JSON, []byte(body))
	f.Add("POST", "result", JSON, []byte(`{"result":`+theirs+`}`))
	f.Add("POST", "result", JSON, []byte(`{"result":null}`))
	f.Add("POST", "result", JSON, []byte(posted(`{"institution":{"id":"a"},"accounts":[]}`, mine)))
	f.Add("POST", "result", JSON, []byte(posted(`{"institution":{"id":"a"},"accounts":[]}`, working.ID)))
	f.Add("POST", "event", JSON, []byte(`{"name":"open","meta":{"link_session_id":"a"}}`))
	f.Add("POST", "relink", JSON, []byte(`{"link":"`+connect.LinkHandle(me, mine)+`"}`))
	f.Add("POST", "relink", JSON, []byte(`{"link":"`+connect.LinkHandle(victim, working.ID)+`"}`))
	f.Add("POST", "result", JSON, []byte(`{"result":{"institution":{"id":"a"}},"link":"`+connect.LinkHandle(me, mine)+`"}`))
	f.Add("GET", "../oauth?code=1", "", []byte(nil))
	f.Add("CONNECT", "./result//", "text/plain", []byte("{"))
	f.Fuzz(func(t *testing.T, method, suffix, kind string, data []byte) {
		target, err := url.Parse("/connect/" + suffix)
		if err != nil {
			return
		}
		r := newRequest(t, me, "", bytes.NewReader(data))
		r.Method, r.URL = method, target
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		s.log.Reset()
		if w.Code >= 500 && w.Code != http.StatusBadGateway {
			t.Fatalf("the response is %d %s", w.Code, w.Body)
		}
		if target.Path != "/oauth" {
			checkResponse(t, w)
		}
		for _, call := range s.calls() {
			if call.user != me || (call.link != nil && call.link.ID != mine) {
				t.Fatalf("the hook %s is called for a link of another user", call.hook)
			}
			if w.Code >= 300 {
				t.Fatalf("the hook %s is called, and the status is %d", call.hook, w.Code)
			}
		}
	})
}
