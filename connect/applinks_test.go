package connect_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/connect"
)

const appID = "ABCDE12345.com.example.my-app"

var fingerprint = strings.Repeat("0A:", 31) + "FF"

// fetch requests a file, checks the status and the headers, and returns the body.
func fetch(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(path, h)
	for _, method := range []string{http.MethodPost, http.MethodOptions} {
		w := visit(t, mux, method, path)
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
		assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	}
	var w *httptest.ResponseRecorder
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		w = visit(t, mux, method, path)
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	}
	return w.Body.String()
}

func TestAppleAppSiteAssociation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		redirect string
		ids      []string
		want     string
	}{
		{
			redirectURI,
			[]string{appID},
			`{"applinks":{"details":[{"appIDs":["ABCDE12345.com.example.my-app"],"components":[{"/":"/oauth"}]}]}}`,
		},
		{
			"https://example.com",
			[]string{appID, "1234567890.App"},
			`{"applinks":{"details":[{"appIDs":["ABCDE12345.com.example.my-app","1234567890.App"],"components":[{"/":"/"}]}]}}`,
		},
		{
			"https://example.com/powrót/a%20b",
			[]string{appID},
			`{"applinks":{"details":[{"appIDs":["ABCDE12345.com.example.my-app"],"components":[{"/":"/powr%C3%B3t/a%20b"}]}]}}`,
		},
	} {
		h, err := connect.AppleAppSiteAssociation(tc.redirect, tc.ids...)
		require.NoError(t, err)

		assert.Equal(t, tc.want, fetch(t, h, connect.AppleAppSiteAssociationPath))
	}
	assert.Equal(t, "/.well-known/apple-app-site-association", connect.AppleAppSiteAssociationPath)
}

func TestAppleAppSiteAssociationRefuses(t *testing.T) {
	t.Parallel()
	for redirect, want := range map[string]string{
		"":                                "the redirect URI must not be empty",
		"https://example.com/?a":          "the redirect URI must not have a query",
		"myfinanceapp://oauth":            "must begin with https://",
		"http://localhost/oauth":          "must begin with https://",
		"https://localhost/oauth":         "must begin with https://",
		"https://example.com:8443/oauth":  "must begin with https://",
		"https://127.0.0.1/oauth":         "must begin with https://",
		"https://example.com./oauth":      "must begin with https://",
		"https://example.com/*":           "must not have a * in its path",
		"https://example.com/%2A":         "must not have a * in its path",
		"https://example.com/oauth%2Fall": "an encoded slash",
	} {
		h, err := connect.AppleAppSiteAssociation(redirect, appID)
		require.ErrorContains(t, err, want, redirect)
		assert.Nil(t, h)
	}
	for _, id := range []string{
		"", "ABCDE12345", "ABCDE12345.", ".com.example", "com.example.app", "ABCDE1234.com.example", "ABCDE123456.com.example",
		"abcde12345.com.example", "ABCDE12345.com..example", "ABCDE12345.com.example.", "ABCDE12345.com.example.*",
		"ABCDE12345.com.my_app", "ABCDE12345.com.przykład", "ABCDE12345.com.example\n", "ABCDE12345." + strings.Repeat("a", 156),
	} {
		_, err := connect.AppleAppSiteAssociation(redirectURI, appID, id)
		require.ErrorContains(t, err, "must be a team ID", id)
	}
	_, err := connect.AppleAppSiteAssociation(redirectURI)
	require.ErrorContains(t, err, "at least one app ID is needed")
	_, err = connect.AppleAppSiteAssociation(redirectURI, appID, appID)
	require.ErrorContains(t, err, "given twice")
}

func TestAssetLinks(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("AB:", 31) + "CD"
	h, err := connect.AssetLinks(
		connect.AndroidApp{PackageName: "com.example.app", SHA256Fingerprints: []string{fingerprint, strings.ToLower(other)}},
		connect.AndroidApp{PackageName: "com.Example.app_2", SHA256Fingerprints: []string{fingerprint}},
	)
	require.NoError(t, err)

	assert.Equal(t, `[{"relation":["delegate_permission/common.handle_all_urls"],"target":{"namespace":"android_app",`+
		`"package_name":"com.example.app","sha256_cert_fingerprints":["`+fingerprint+`","`+other+`"]}},`+
		`{"relation":["delegate_permission/common.handle_all_urls"],"target":{"namespace":"android_app",`+
		`"package_name":"com.Example.app_2","sha256_cert_fingerprints":["`+fingerprint+`"]}}]`,
		fetch(t, h, connect.AssetLinksPath))
	assert.Equal(t, "/.well-known/assetlinks.json", connect.AssetLinksPath)
}

func TestAssetLinksRefuses(t *testing.T) {
	t.Parallel()
	good := connect.AndroidApp{PackageName: "com.example.app", SHA256Fingerprints: []string{fingerprint}}
	for _, name := range []string{
		"", "app", ".app", "com.", "com..app", "com.1app", "com._app", "com.my-app", "com.aplikacja.ż", "com.app\n", "com.*",
	} {
		_, err := connect.AssetLinks(good, connect.AndroidApp{PackageName: name, SHA256Fingerprints: []string{fingerprint}})
		require.ErrorContains(t, err, "the package name", name)
	}
	for _, tc := range []struct {
		want         string
		fingerprints []string
	}{
		{"needs a fingerprint", nil},
		{"fingerprint 1 that is not hexadecimal", []string{strings.ReplaceAll(fingerprint, ":", "")}},
		{"fingerprint 1 that is not hexadecimal", []string{strings.ReplaceAll(fingerprint, ":", " ")}},
		{"fingerprint 1 that is not hexadecimal", []string{"SHA256: " + fingerprint}},
		{"fingerprint 1 that is not hexadecimal", []string{fingerprint + ":"}},
		{"fingerprint 1 that is not hexadecimal", []string{":" + fingerprint}},
		{"fingerprint 1 that is not hexadecimal", []string{strings.Replace(fingerprint, "0A:0A", "0A0:A", 1)}},
		{"fingerprint 1 that is not hexadecimal", []string{strings.Replace(fingerprint, "A", "G", 1)}},
		{"fingerprint 2 of 20 bytes; a SHA-256 fingerprint has 32", []string{fingerprint, fingerprint[36:]}},
		{"fingerprint 1 of 33 bytes", []string{"00:" + fingerprint}},
		{"fingerprint 1 of 0 bytes", []string{""}},
		{"fingerprint 2 that is given twice", []string{fingerprint, strings.ToLower(fingerprint)}},
	} {
		_, err := connect.AssetLinks(connect.AndroidApp{PackageName: "com.example.app", SHA256Fingerprints: tc.fingerprints})
		require.ErrorContains(t, err, tc.want)
		require.ErrorContains(t, err, `the app "com.example.app"`)
	}
	_, err := connect.AssetLinks()
	require.ErrorContains(t, err, "at least one app is needed")
	_, err = connect.AssetLinks(good, good)
	require.ErrorContains(t, err, "given twice")
}

func FuzzAppleAppSiteAssociation(f *testing.F) {
	f.Add(redirectURI, appID)
	f.Add("https://example.com/powrót", "1234567890.App")
	f.Add("https://example.com/*", "ABCDE12345.com..example")
	f.Fuzz(func(t *testing.T, redirect, id string) {
		h, err := connect.AppleAppSiteAssociation(redirect, id)
		if err != nil {
			return
		}
		body := fetch(t, h, connect.AppleAppSiteAssociationPath)
		if !strings.Contains(body, `"appIDs":["`+id+`"]`) || strings.Contains(body, "*") {
			t.Fatalf("%q and %q became %s", redirect, id, body)
		}
	})
}

func FuzzAssetLinks(f *testing.F) {
	f.Add("com.example.app", fingerprint)
	f.Add("com.1app", strings.ToLower(fingerprint))
	f.Add("com.example.app", fingerprint[36:])
	f.Fuzz(func(t *testing.T, name, certificate string) {
		h, err := connect.AssetLinks(connect.AndroidApp{PackageName: name, SHA256Fingerprints: []string{certificate}})
		if err != nil {
			return
		}
		body := fetch(t, h, connect.AssetLinksPath)
		named, certified := `"package_name":"`+name+`"`, `["`+strings.ToUpper(certificate)+`"]`
		if !strings.Contains(body, named) || !strings.Contains(body, certified) || len(certificate) != 95 {
			t.Fatalf("%q and %q became %s", name, certificate, body)
		}
	})
}
