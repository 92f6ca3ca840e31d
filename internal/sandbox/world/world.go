// Package world is the state of the fake MoneyKit: institutions, links with their accounts,
// transactions and investments, link sessions, and tokens, and how they change with time and by
// what users do in Connect.
//
// A [World] is plain data. Its fields can be written as JSON and read again, it starts no
// goroutine, opens no connection and has no clock: the methods that need the time are told it.
// [Shared] adds a lock and a clock. Where MoneyKit's documentation leaves a question open, a
// comment says what was chosen.
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

// World is everything that MoneyKit knows. Make one with [New]. It is not safe for concurrent use;
// see [Shared].
type World struct {
	Settings

	Offset    time.Duration          // how far the clock is ahead of the one that Shared asks
	Counts    map[string]int         // ids made so far, by kind
	Order     []string               // the ids of all links, oldest first
	Links     map[string]*Link       // by id
	ByUser    map[string][]string    // ids of links, oldest first, by the user's id
	Sessions  map[string]*Session    // by token
	Returns   map[string]string      // tokens of sessions, by the URL to which a bank sends the user back
	Exchanges map[string]*Exchange   // by exchangeable token
	Issued    []Issued               // tokens of sessions and exchanges, oldest first; may have forgotten ones
	Spent     []string               // tokens of ended sessions and used exchangeable tokens, oldest first
	Tokens    map[string]AccessToken // by access token
	TokenAges []string               // access tokens, oldest first
	Events    []Event                // announced, and not taken by TakeEvents yet

	enrichments map[string]*moneykit.TransactionEnrichment // shared by rows, see World.enrichment

	recent []*Ledger // with rows of the past in memory, the last used last
	pasts  int       // the number of these rows

	agenda agenda

	touched *Touched // nil if nobody wants them
	stirred bool     // there is something new to deliver, or will be at another time
}

// Settings is how a [World] behaves.
type Settings struct {
	Seed         uint64        // of ids and made-up data
	SessionLife  time.Duration // of link session tokens and exchangeable tokens
	History      time.Duration // how far back the transactions of a new link go
	RefreshDelay time.Duration // between the request for a refresh and the refresh
	SameID       bool          // a pending transaction keeps its id when it is posted
	// RefreshEvent announces a refresh: link.product_refresh or product.state_changed.
	RefreshEvent moneykit.EventType
}

// AccessToken is an access token that was issued. Expired ones are kept, because the API refuses
// them in another way than unknown ones.
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

// maxTokens is how many access tokens are remembered.
const maxTokens = 10_000

// IssueToken remembers an access token, and forgets the oldest one beyond the limit.
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

// ExpireTokens expires every access token that was issued so far.
func (w *World) ExpireTokens() {
	if w.touched != nil {
		w.touched.Expired = true
	}
	for token, issued := range w.Tokens {
		issued.Expires = time.Time{}
		w.Tokens[token] = issued
	}
}

// IsSecret reports whether s is a token, or a URL to which a bank sends a user back.
func (w *World) IsSecret(s string) bool {
	_, isToken := w.Tokens[s]
	_, isReturn := w.Returns[s]
	return isToken || isReturn || w.Sessions[s] != nil || w.Exchanges[s] != nil
}

// Random returns a source of numbers that depends on the seed and on their purpose.
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

// base62 returns 22 letters and digits, as MoneyKit's ids have them.
func base62(r *mathrand.Rand) string {
	id := make([]byte, 22)
	for i := range id {
		id[i] = alphanumeric[r.IntN(len(alphanumeric))]
	}
	return string(id)
}

// NewToken returns a token in the form of a UUID. Tokens are random even where everything else
// follows from the seed, so that the tokens of one fake are worth nothing at another.
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

// Zoneless returns t in UTC without a zone and with six decimals, a form that MoneyKit has been
// seen to use.
func Zoneless(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }
