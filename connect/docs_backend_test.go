package connect_test

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/connect/theme"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// backend is the back end that a page of docs describes: a mux with a handler, and a record of the
// hooks' calls.
type backend struct {
	mk     *moneykittest.Server
	client *moneykit.Client
	mux    *http.ServeMux
	hooks  []string
	links  []*moneykit.Link
}

func (b *backend) currentUser(*http.Request) (moneykit.CustomerUser, error) {
	return moneykit.CustomerUser{ID: me}, nil
}

func (b *backend) storeLink(_ context.Context, userID string, link *moneykit.Link) error {
	b.hooks, b.links = append(b.hooks, "store "+userID), append(b.links, link)
	return nil
}

func (b *backend) forgetLink(_ context.Context, userID, _ string) error {
	b.hooks = append(b.hooks, "forget "+userID)
	return nil
}

// platform is a page of docs and the back end that it shows.
type platform struct {
	page     string
	source   moneykit.ConnectSource
	query    string // of requests for a session
	redirect string
	mount    func(b *backend)
	versions []string // of Connect, whose payloads the page describes
}

func platforms() []platform {
	return []platform{
		{"web.md", moneykit.ConnectWeb, "", "https://app.example/connect/oauth", (*backend).mountWeb, []string{"0.3.28", "0.3.16"}},
		{"ios.md", moneykit.ConnectIOS, "?platform=ios", "myfinanceapp://oauth", (*backend).mountIOS, []string{"1.10.7"}},
		{"android.md", moneykit.ConnectAndroid, "?platform=android", "mymoneyapp://oauth", (*backend).mountAndroid, []string{"0.4.2"}},
		{
			"react-native.md", moneykit.ConnectReactNative, "?platform=app", "mymoneyapp://oauth", (*backend).mountReactNative,
			[]string{"", "2.9.0-ios", "2.9.0-android", "3-ios", "3-android"},
		},
	}
}

func (p platform) start(tb testing.TB) *backend {
	tb.Helper()
	b := &backend{mk: moneykittest.NewServer(tb), mux: http.NewServeMux()}
	b.client = b.mk.Client()
	p.mount(b)
	return b
}

// post posts to an endpoint as the front end of the page does.
func (b *backend) post(tb testing.TB, endpoint, body string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "https://app.example/connect/"+endpoint, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, r)
	return w
}

// launch opens a session, for a new link or to repair the one with a handle.
func (b *backend) launch(tb testing.TB, p platform, handle string) connect.Launch {
	tb.Helper()
	endpoint, body := "session", `{}`
	if handle != "" {
		endpoint, body = "relink", `{"link":`+quoteJSON(tb, handle)+`}`
	}
	w := b.post(tb, endpoint+p.query, body)
	require.Equal(tb, http.StatusOK, w.Code, w.Body)
	var launch connect.Launch
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &launch))
	return launch
}

// broken returns a link of the user that must be relinked.
func (b *backend) broken() moneykit.Link {
	link := b.mk.AddLink(moneykittest.LinkSpec{UserID: me})
	b.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	return link
}

func (b *backend) mountWeb() {
	client, mux, currentUser, storeLink, forgetLink := b.client, b.mux, b.currentUser, b.storeLink, b.forgetLink

	handler, err := connect.NewHandler(client, connect.Config{
		RedirectURI: "https://app.example/connect/oauth",
		User: func(r *http.Request) (moneykit.CustomerUser, error) {
			return currentUser(r) // from your own session
		},
		OnLinked:       storeLink,
		OnRelinked:     storeLink,
		OnDisconnected: forgetLink,
		Theme:          &theme.Theme{Colors: theme.Colors{Accent: theme.Value{Light: "#0a7d5a", Dark: "#3ecf9b"}}},
		Development:    true, // not in production
	})
	if err != nil {
		log.Fatal(err)
	}
	handler.Register(mux)
}

func (b *backend) mountIOS() {
	client, mux, currentUser, storeLink, forgetLink := b.client, b.mux, b.currentUser, b.storeLink, b.forgetLink

	redirect := func(r *http.Request, uri *string) {
		if r.URL.Query().Get("platform") == "ios" {
			*uri = "myfinanceapp://oauth"
		}
	}
	handler, err := connect.NewHandler(client, connect.Config{
		RedirectURI:       "https://app.example/connect/oauth", // of the web
		OtherRedirectURIs: []string{"myfinanceapp://oauth"},
		User: func(r *http.Request) (moneykit.CustomerUser, error) {
			return currentUser(r) // from your own access token
		},
		PrepareLink: func(r *http.Request, params *moneykit.LinkSessionParams) error {
			redirect(r, &params.RedirectURI)
			return nil
		},
		PrepareRelink: func(r *http.Request, _ string, params *moneykit.RelinkParams) error {
			redirect(r, &params.RedirectURI)
			return nil
		},
		OnLinked:       storeLink,
		OnRelinked:     storeLink,
		OnDisconnected: forgetLink,
		Development:    true, // not in production
	})
	if err != nil {
		log.Fatal(err)
	}
	handler.Register(mux)

	association, err := connect.AppleAppSiteAssociation("https://app.example/ios/oauth", "ABCDE12345.com.example.app")
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET "+connect.AppleAppSiteAssociationPath, association)
}

func (b *backend) mountAndroid() {
	client, mux, currentUser, storeLink, forgetLink := b.client, b.mux, b.currentUser, b.storeLink, b.forgetLink

	redirect := func(r *http.Request, uri *string) {
		if r.URL.Query().Get("platform") == "android" {
			*uri = "mymoneyapp://oauth"
		}
	}
	handler, err := connect.NewHandler(client, connect.Config{
		RedirectURI:       "https://app.example/connect/oauth", // of the web
		OtherRedirectURIs: []string{"mymoneyapp://oauth"},
		User: func(r *http.Request) (moneykit.CustomerUser, error) {
			return currentUser(r) // from your own access token
		},
		PrepareLink: func(r *http.Request, params *moneykit.LinkSessionParams) error {
			redirect(r, &params.RedirectURI)
			return nil
		},
		PrepareRelink: func(r *http.Request, _ string, params *moneykit.RelinkParams) error {
			redirect(r, &params.RedirectURI)
			return nil
		},
		OnLinked:       storeLink,
		OnRelinked:     storeLink,
		OnDisconnected: forgetLink,
		Development:    true, // not in production
	})
	if err != nil {
		log.Fatal(err)
	}
	handler.Register(mux)

	links, err := connect.AssetLinks(connect.AndroidApp{
		PackageName: "com.example.app",
		SHA256Fingerprints: []string{ // as keytool and the Play Console show them
			"14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET "+connect.AssetLinksPath, links)
}

func (b *backend) mountReactNative() {
	client, mux, currentUser, storeLink, forgetLink := b.client, b.mux, b.currentUser, b.storeLink, b.forgetLink

	redirect := func(r *http.Request, uri *string) {
		if r.URL.Query().Get("platform") == "app" {
			*uri = "mymoneyapp://oauth"
		}
	}
	handler, err := connect.NewHandler(client, connect.Config{
		RedirectURI:       "https://app.example/connect/oauth", // of the web
		OtherRedirectURIs: []string{"mymoneyapp://oauth"},
		User: func(r *http.Request) (moneykit.CustomerUser, error) {
			return currentUser(r) // from your own access token
		},
		PrepareLink: func(r *http.Request, params *moneykit.LinkSessionParams) error {
			redirect(r, &params.RedirectURI)
			return nil
		},
		PrepareRelink: func(r *http.Request, _ string, params *moneykit.RelinkParams) error {
			redirect(r, &params.RedirectURI)
			return nil
		},
		OnLinked:       storeLink,
		OnRelinked:     storeLink,
		OnDisconnected: forgetLink,
		Development:    true, // not in production
	})
	if err != nil {
		log.Fatal(err)
	}
	handler.Register(mux)
}

// connectHandle returns the handle of a link of the user.
func connectHandle(link moneykit.Link) string { return connect.LinkHandle(me, link.ID) }
