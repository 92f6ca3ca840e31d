package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// sessionCookie contains the session of a browser. Each browser is a separate user, because this
// application has no passwords.
const sessionCookie = "create_link_session"

var errNoSession = errors.New("the request has no session: open the page first")

// startSession sets the session cookie at a browser's first visit.
func startSession(w http.ResponseWriter, r *http.Request) {
	if _, err := userOf(r); err == nil {
		return
	}
	//nolint:gosec // G124: over plain HTTP on this machine a secure cookie would be dropped.
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: rand.Text(), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

// userOf returns the ID of the user of a request. It is a hash of the cookie, so that neither the
// database nor MoneyKit gets the session secret.
func userOf(r *http.Request) (string, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || !isSession(cookie.Value) {
		return "", errNoSession
	}
	sum := sha256.Sum256([]byte("create-link user " + cookie.Value))
	return "user_" + base64.RawURLEncoding.EncodeToString(sum[:18]), nil
}

// isSession reports whether a value has the form of [rand.Text]. A shorter one could be guessed.
func isSession(value string) bool {
	return len(value) == 26 && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// customerUser returns the user of a request for Connect.
func customerUser(r *http.Request) (moneykit.CustomerUser, error) {
	id, err := userOf(r)
	return moneykit.CustomerUser{ID: id}, err
}
