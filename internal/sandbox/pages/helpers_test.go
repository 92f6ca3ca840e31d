package pages_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/pages"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// fake is Connect with its world.
type fake struct {
	pages.Pages

	mux *http.ServeMux
}

// start returns the time of the fake's clock, which does not move.
func start() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{mux: http.NewServeMux()}
	f.Pages = pages.Pages{
		World: world.NewShared(world.New(world.Settings{SessionLife: time.Hour}), start),
	}
	f.Register(f.mux)
	return f
}

// open creates a link session and returns its token.
func (f *fake) open(params moneykit.LinkSessionParams) string {
	var token string
	f.World.Do(func(w *world.World, now time.Time) { token = w.OpenSession(params, now).Token })
	return token
}

func (f *fake) addLink(spec world.LinkSpec) string {
	var id string
	f.World.Do(func(w *world.World, now time.Time) {
		link, _ := w.AddLink(spec, now)
		id = link.ID
	})
	return id
}

// exchange exchanges a token and returns the id of its link.
func (f *fake) exchange(t *testing.T, token string) string {
	t.Helper()
	var id string
	f.World.Do(func(w *world.World, now time.Time) {
		link := w.ExchangeToken(token, now)
		require.NotNil(t, link)
		id = link.ID
	})
	return id
}

// connect plays a user and returns the payload that the front end posts.
func (f *fake) connect(t *testing.T, token string, source moneykit.ConnectSource, play world.Play) []byte {
	t.Helper()
	var end world.Ending
	f.World.Do(func(w *world.World, now time.Time) { end = w.Connect(token, play, now) })
	data, ok := pages.Payload(end, source, "")
	assert.True(t, ok)
	return data
}

// events returns the payloads of the events of a session.
func (f *fake) events(t *testing.T, token string, source moneykit.ConnectSource) [][]byte {
	t.Helper()
	var all [][]byte
	f.World.Do(func(w *world.World, _ time.Time) {
		for _, step := range w.Sessions[token].Steps {
			data, err := pages.Event(w.Sessions[token], step, source)
			require.NoError(t, err)
			all = append(all, data)
		}
	})
	return all
}

// ask sends a request to the pages.
func (f *fake) ask(t *testing.T, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if strings.HasPrefix(body, "answer=") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, r)
	return w
}

// sessionParams returns the minimal parameters of a link session.
func sessionParams() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"},
		RedirectURI:  "https://app.example/oauth",
	}
}

func oauthParams() moneykit.LinkSessionParams {
	params := sessionParams()
	params.InstitutionID = world.OAuthBank
	return params
}

// sources returns the platforms.
func sources() []moneykit.ConnectSource {
	return []moneykit.ConnectSource{
		moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative,
	}
}
