package connect

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// The paths of the files that let a web address open an app. Devices fetch them from the host of
// the redirect URI, over https and without following redirects.
const (
	AppleAppSiteAssociationPath = "/.well-known/apple-app-site-association"
	AssetLinksPath              = "/.well-known/assetlinks.json"
)

// AppleAppSiteAssociation returns a handler for the file that lets iOS open redirectURI in one of
// the apps instead of the browser. Serve it at [AppleAppSiteAssociationPath]. redirectURI is a
// universal link. An app ID is a team ID, a dot and a bundle identifier, such as
// ABCDE12345.com.example.app.
//
// Errors are:
//
//   - There is no app ID, or an app ID is malformed or given twice.
//   - redirectURI cannot be a universal link. It needs https, a domain name, no port, and a path
//     without *.
func AppleAppSiteAssociation(redirectURI string, appIDs ...string) (http.Handler, error) {
	redirect, err := weburl.ParseRedirectURI(redirectURI)
	switch {
	case err != nil:
		return nil, fmt.Errorf("connect: the redirect URI %w", err)
	case redirect.Scheme != "https" || !weburl.IsDomain(redirect.Host):
		return nil, errors.New("connect: the redirect URI must begin with https:// and a domain name, without a port")
	case strings.Contains(redirect.Path, "*"):
		return nil, errors.New("connect: the redirect URI must not have a * in its path (it would match anything)")
	case len(appIDs) == 0:
		return nil, errors.New("connect: at least one app ID is needed")
	}
	for i, id := range appIDs {
		if !isAppID(id) {
			return nil, fmt.Errorf("connect: the app ID %s must be a team ID of ten capital letters and digits, a dot "+
				"and a bundle identifier", plain.Quote(id))
		}
		if slices.Contains(appIDs[:i], id) {
			return nil, fmt.Errorf("connect: the app ID %s is given twice", plain.Quote(id))
		}
	}
	type component struct {
		Path string `json:"/"`
	}
	type detail struct {
		AppIDs     []string    `json:"appIDs"`
		Components []component `json:"components"`
	}
	var file struct {
		AppLinks struct {
			Details []detail `json:"details"`
		} `json:"applinks"`
	}
	file.AppLinks.Details = []detail{{appIDs, []component{{weburl.Path(redirect)}}}}
	return fileHandler(file)
}

// isAppID reports whether id is a team ID, a dot and a bundle identifier.
func isAppID(id string) bool {
	team, bundle, _ := strings.Cut(id, ".")
	if len(team) != 10 || !plain.Only(team, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") || len(bundle) > 155 {
		return false
	}
	for part := range strings.SplitSeq(bundle, ".") {
		if part == "" || !plain.Only(part, plain.Alphanumeric+"-") {
			return false
		}
	}
	return true
}

// AndroidApp is an app that may open app links.
type AndroidApp struct {
	// PackageName is the app's package name, such as com.example.app.
	PackageName string
	// SHA256Fingerprints are the fingerprints of the app's signing certificates, in the form of
	// keytool and the Play Console: 32 bytes in hexadecimal, separated by colons. Give several if
	// debug and release builds are signed differently.
	SHA256Fingerprints []string
}

// AssetLinks returns a handler for the file that lets Android open app links to this host in the
// apps instead of the browser. Serve it at [AssetLinksPath]. The app's own manifest contains the
// path of the links.
//
// It returns an error if there is no app, if an app has no fingerprint, or if a package name or a
// fingerprint is malformed or given twice.
func AssetLinks(apps ...AndroidApp) (http.Handler, error) {
	if len(apps) == 0 {
		return nil, errors.New("connect: at least one app is needed")
	}
	type target struct {
		Namespace    string   `json:"namespace"`
		PackageName  string   `json:"package_name"`
		Fingerprints []string `json:"sha256_cert_fingerprints"`
	}
	type statement struct {
		Relation []string `json:"relation"`
		Target   target   `json:"target"`
	}
	var file []statement
	for _, app := range apps {
		if !isPackageName(app.PackageName) {
			return nil, fmt.Errorf("connect: the package name %s must be two or more names, separated by dots", plain.Quote(app.PackageName))
		}
		if slices.ContainsFunc(file, func(s statement) bool { return s.Target.PackageName == app.PackageName }) {
			return nil, fmt.Errorf("connect: the package name %s is given twice", plain.Quote(app.PackageName))
		}
		fingerprints, err := checkFingerprints(app.SHA256Fingerprints)
		if err != nil {
			return nil, fmt.Errorf("connect: the app %s %w", plain.Quote(app.PackageName), err)
		}
		file = append(file, statement{
			Relation: []string{"delegate_permission/common.handle_all_urls"},
			Target:   target{"android_app", app.PackageName, fingerprints},
		})
	}
	return fileHandler(file)
}

// isPackageName reports whether name is two or more Java identifiers, separated by dots.
func isPackageName(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || !plain.Only(part, plain.Alphanumeric+"_") || strings.Contains("0123456789_", part[:1]) {
			return false
		}
	}
	return strings.Contains(name, ".")
}

// checkFingerprints returns the fingerprints in upper case, because Android compares case.
func checkFingerprints(fingerprints []string) ([]string, error) {
	if len(fingerprints) == 0 {
		return nil, errors.New("needs a fingerprint")
	}
	var upper []string
	for i, f := range fingerprints {
		f = strings.ToUpper(f)
		raw, err := hex.DecodeString(strings.ReplaceAll(f, ":", ""))
		switch {
		case err != nil || strings.ReplaceAll(fmt.Sprintf("% X", raw), " ", ":") != f:
			return nil, fmt.Errorf("has a fingerprint %d that is not hexadecimal bytes separated by colons", i+1)
		case len(raw) != 32:
			return nil, fmt.Errorf("has a fingerprint %d of %d bytes; a SHA-256 fingerprint has 32", i+1, len(raw))
		case slices.Contains(upper, f):
			return nil, fmt.Errorf("has a fingerprint %d that is given twice", i+1)
		}
		upper = append(upper, f)
	}
	return upper, nil
}

// fileHandler returns a handler that serves v as a JSON file.
func fileHandler(v any) (http.Handler, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the method must be GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body)
	}), nil
}
