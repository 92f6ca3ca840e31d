package moneykit_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestConnectHandlerCanary goes through everything with marked secrets and personal data, and looks
// for the marks in all that is kept as text.
func TestConnectHandlerCanary(t *testing.T) {
	t.Parallel()
	const (
		user  = "canary.user.0005@example.com"
		email = "canary.jane+0002@example.com"
		phone = "+617555000003"
		typed = "canary-typed-0006"
	)
	for _, source := range connectSources() {
		t.Run(string(source), func(t *testing.T) {
			t.Parallel()
			s := newConnectShop(t, moneykittest.NewServer(t), func(c *moneykit.ConnectConfig) {
				c.User = func(*http.Request) (moneykit.CustomerUser, error) {
					return moneykit.CustomerUser{
						ID: user, Email: &moneykit.CustomerUserEmail{Address: email}, Phone: &moneykit.CustomerUserPhone{Number: phone},
					}, nil
				}
			})
			marks := []string{user, email, phone, typed, "canary"}
			_, secret := s.mk.Credentials()
			marks = append(marks, secret)
			var answers []string
			keep := func(w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
				answers = append(answers, fmt.Sprint(w.Header(), w.Body))
				return w
			}
			launch := func(endpoint, body string) string {
				launched := s.launch(t, user, endpoint, body)
				marks = append(marks, launched.Token)
				return launched.Token
			}
			everything := func() {
				token := launch("session", "")
				payload := string(s.mk.Connect(token, source, moneykittest.Play{}))
				result := parsed(t, payload)
				marks = append(marks, result.ExchangeableToken)
				for _, event := range s.mk.ConnectEvents(token, source) {
					keep(s.post(t, user, "event", string(event)))
				}
				keep(s.post(t, user, "event", `{"name":"search_institution","properties":{"search_term":"`+typed+`"}}`))
				keep(s.post(t, user, "event", `{"name":"`+typed+`"}`))
				keep(s.post(t, user, "event", `{"name":"`+typed+`"`))
				keep(s.post(t, user, "result", `{"result":["`+typed+`"]}`))
				keep(s.post(t, user, "result", `{"result":null,"link_id":"`+typed))
				keep(s.post(t, user, "result", `{"result":{"errorId":"bank_down","displayedMessage":"`+typed+`"}}`))
				keep(s.post(t, user, "result", posted(`{"institution":{"id":"a","name":"`+typed+`"},"accounts":[]}`, "mk_other")))
				s.mk.Fail("exchange_token", 1, moneykittest.Fault{Status: 500, Body: payload + email})
				keep(s.post(t, user, "result", `{"result":`+payload+`}`))
				s.mk.Fail("exchange_token", 1, moneykittest.Fault{
					Code: moneykit.ErrorCodeValidationFailed,
					Body: `{"detail":[{"loc":["body","exchangeable_token"],"msg":"` + result.ExchangeableToken + `","input":"` + email + `"}]}`,
				})
				keep(s.post(t, user, "result", `{"result":`+payload+`}`))
				s.mk.Fail("get_user_links", 1, moneykittest.Fault{Reset: moneykittest.ResetBefore})
				keep(s.post(t, user, "result", `{"result":`+payload+`}`))
				s.setFail(errors.New("the database is away"))
				keep(s.post(t, user, "result", `{"result":`+payload+`}`))
				s.setFail(nil)
				w := keep(s.post(t, user, "result", `{"result":`+payload+`}`))
				require.Equal(t, http.StatusOK, w.Code, w.Body)

				s.mk.Break(result.LinkID, moneykit.LinkErrorAuthExpired)
				token = launch("relink", `{"link_id":"`+result.LinkID+`"}`)
				payload = string(s.mk.Connect(token, source, moneykittest.Play{}))
				w = keep(s.post(t, user, "result", posted(payload, result.LinkID)))
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				keep(s.post(t, user, "relink", `{"link_id":"`+result.LinkID+`"}`))
				r := connectRequest(t, user, "result", strings.NewReader(payload))
				r.Header.Set("Content-Type", typed)
				keep(s.serve(t, r))
				for _, fault := range []moneykittest.Fault{
					{Status: 500, Body: user + email + phone},
					{Code: moneykit.ErrorCodeUnauthorized},
					{Reset: moneykittest.ResetAfter},
					{Body: `{"link_session_token":["` + email + `"]}`},
					{Code: moneykit.ErrorCodeValidationFailed, Body: `{"detail":[{"loc":["body","` + user + `"],"msg":"` + phone + `","input":"` + email + `"}]}`},
					{Code: moneykit.ErrorCodeRateLimitExceeded},
				} {
					s.mk.Fail("create_link_session", 1, fault)
					keep(s.post(t, user, "session", ""))
				}
			}
			everything()
			require.Greater(t, len(answers), 15)
			require.NotEmpty(t, s.log.String())
			for _, mark := range marks {
				for _, answer := range answers {
					assert.NotContains(t, answer, mark)
				}
				if strings.Contains(s.log.String(), mark) {
					for line := range strings.SplitSeq(s.log.String(), "\n") {
						assert.NotContains(t, line, mark)
					}
				}
			}
		})
	}
}

// FuzzConnectHandler sends anything to the endpoints of a user who has a link and of whom another's
// token is known: hooks are only told about links of the user.
func FuzzConnectHandler(f *testing.F) {
	mk := moneykittest.New()
	f.Cleanup(mk.Close)
	s := newConnectShop(f, mk, nil)
	body := `{"result":` + s.play(f, connectMe, moneykit.ConnectWeb, moneykittest.Play{}) + `}`
	s.post(f, connectMe, "result", body)
	mine := s.calls()[0].link.ID
	theirs := s.play(f, connectVictim, moneykit.ConnectAndroid, moneykittest.Play{})
	working := mk.AddLink(moneykittest.LinkSpec{UserID: connectVictim})
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
	f.Add("GET", "../oauth?code=1", "", []byte(nil))
	f.Add("CONNECT", "./result//", "text/plain", []byte("{"))
	f.Fuzz(func(t *testing.T, method, suffix, kind string, data []byte) {
		target, err := url.Parse("/connect/" + suffix)
		if err != nil {
			return
		}
		r := connectRequest(t, connectMe, "", bytes.NewReader(data))
		r.Method, r.URL = method, target
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		s.log.Reset()
		if w.Code >= 500 && w.Code != http.StatusBadGateway {
			t.Fatalf("the answer is %d %s", w.Code, w.Body)
		}
		clean := path.Clean(target.Path)
		if dir, name := path.Split(target.Path); target.Path == clean && dir == "/connect/" &&
			slices.Contains([]string{"session", "relink", "result", "event"}, name) {
			checkConnectAnswer(t, w)
		}
		for _, told := range s.calls() {
			if told.user != connectMe || (told.link != nil && told.link.ID != mine) {
				t.Fatalf("%s is told about a link of somebody else", told.hook)
			}
			if w.Code >= 300 {
				t.Fatalf("%s is told, and the answer is %d", told.hook, w.Code)
			}
		}
	})
}
