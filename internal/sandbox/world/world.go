// Package world is the state of the fake MoneyKit: institutions, links with their accounts,
// transactions and investments, link sessions, and tokens. The state changes with time, and with
// the actions of users in Connect.
//
// A [World] is plain data. Its fields can be encoded as JSON and decoded again. It starts no
// goroutines, opens no connections and has no clock: methods that need the time take it as a
// parameter. [Shared] adds a lock and a clock. Where MoneyKit's documentation leaves a question
// open, a comment names the choice that was made.
package world

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	mathrand "math/rand/v2"
	"time"

	"github.com/moneykit/moneykit-go"
)

// World is the state of a fake MoneyKit. Make one with [New]. It is not safe for concurrent use;
// see [Shared].
type World struct {
	Settings

	Offset    time.Duration          // added to the clock of Shared
	Counts    map[string]int         // number of ids made, by kind
	Order     []string               // ids of all links, oldest first
	Links     map[string]*Link       // by id
	ByUser    map[string][]string    // ids of links, oldest first, by user id
	Sessions  map[string]*Session    // by token
	Returns   map[string]string      // tokens of sessions, by return URL
	Exchanges map[string]*Exchange   // by exchangeable token
	Issued    []Issued               // tokens of sessions and exchanges, oldest first; may contain deleted ones
	Spent     []string               // tokens of ended sessions and used exchangeable tokens, oldest first
	Tokens    map[string]AccessToken // by access token
	TokenAges []string               // access tokens, oldest first
	Events    []Event                // announced events that TakeEvents has not returned yet

	enrichments map[string]*moneykit.TransactionEnrichment // shared by rows; see World.enrichment

	recent []*Ledger // ledgers with rows of the past in memory, least recently used first
	pasts  int       // number of these rows

	agenda agenda

	touched *Touched // nil if changes are not tracked
	stirred bool     // there are new events, or the next due time may have changed
}

// Settings configures a [World].
type Settings struct {
	Seed         uint64        // determines ids and made-up data
	SessionLife  time.Duration // lifetime of link session tokens and exchangeable tokens
	History      time.Duration // how far back the transactions of a new link go
	RefreshDelay time.Duration // time between the request for a refresh and the refresh
	SameID       bool          // a pending transaction keeps its id when it is posted
	// RefreshEvent is the event that announces a refresh: link.product_refresh or
	// product.state_changed.
	RefreshEvent moneykit.EventType
}

// AccessToken describes an issued access token. Expired tokens are kept, because the API returns
// different errors for expired and unknown tokens.
type AccessToken struct {
	Expires time.Time
	Scope   string
}

// New returns a world without links.
func New(settings Settings) *World {
	settings.RefreshEvent = cmp.Or(settings.RefreshEvent, moneykit.EventTypeLinkProductRefresh)
	return &World{
		Settings:  settings,
		Counts:    map[string]int{},
		Links:     map[string]*Link{},
		ByUser:    map[string][]string{},
		Sessions:  map[string]*Session{},
		Returns:   map[string]string{},
		Exchanges: map[string]*Exchange{},
		Tokens:    map[string]AccessToken{},
	}
}

// maxTokens is the number of access tokens that are kept.
const maxTokens = 10_000

// IssueToken adds an access token, and deletes the oldest one beyond maxTokens.
func (w *World) IssueToken(token string, issued AccessToken) {
	w.Tokens[token] = issued
	w.TokenAges = append(w.TokenAges, token)
	if w.touched != nil {
		w.touched.Tokens = append(w.touched.Tokens, token)
	}
	if len(w.TokenAges) > maxTokens {
		delete(w.Tokens, w.TokenAges[0])
		w.TokenAges = w.TokenAges[1:]
	}
}

// ExpireTokens expires all access tokens that were issued so far.
func (w *World) ExpireTokens() {
	if w.touched != nil {
		w.touched.Expired = true
	}
	for token, issued := range w.Tokens {
		issued.Expires = time.Time{}
		w.Tokens[token] = issued
	}
}

// IsSecret reports whether s is a token or a return URL.
func (w *World) IsSecret(s string) bool {
	_, isToken := w.Tokens[s]
	_, isReturn := w.Returns[s]
	return isToken || isReturn || w.Sessions[s] != nil || w.Exchanges[s] != nil
}

// Random returns a random number generator that is determined by the seed and a purpose.
func (w *World) Random(purpose string) *mathrand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))                         // it never fails
	return mathrand.New(mathrand.NewPCG(w.Seed, h.Sum64())) //nolint:gosec // made-up data, no secrets
}

// nextID returns the random part of an id.
func (w *World) nextID(kind string) string {
	w.Counts[kind]++
	return base62(w.Random(fmt.Sprintf("%s %d", kind, w.Counts[kind])))
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 returns 22 letters and digits, like those in MoneyKit's ids.
func base62(r *mathrand.Rand) string {
	id := make([]byte, 22)
	for i := range id {
		id[i] = alphanumeric[r.IntN(len(alphanumeric))]
	}
	return string(id)
}

// NewToken returns a token in the form of a UUID. Tokens do not depend on the seed, so that the
// tokens of one fake are not valid at another.
func NewToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Stamp returns t as MoneyKit writes times: in UTC, with microseconds. A zero t stays zero.
func Stamp(t time.Time) moneykit.Timestamp {
	if t.IsZero() {
		return moneykit.Timestamp{}
	}
	return moneykit.Timestamp{Time: t.UTC().Truncate(time.Microsecond)}
}

// Zoneless returns t in UTC without a zone and with six decimals. MoneyKit has been observed to use
// this form.
func Zoneless(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }
