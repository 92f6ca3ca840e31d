package world

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Touched lists the possible changes to a [World] since an earlier time: the ids of links, and the
// tokens of sessions and exchanges, that may have changed or been deleted, and the access tokens
// that were issued, oldest first.
type Touched struct {
	Links, Sessions, Exchanges map[string]bool
	Tokens                     []string
	Expired                    bool // all access tokens that were issued before Tokens have expired
}

// Track makes the world record changes for [World.TakeTouched].
func (w *World) Track() {
	w.touched = &Touched{Links: map[string]bool{}, Sessions: map[string]bool{}, Exchanges: map[string]bool{}}
}

// TakeTouched returns the changes since the last call.
func (w *World) TakeTouched() Touched {
	taken := *w.touched
	if len(taken.Links)+len(taken.Sessions)+len(taken.Exchanges)+len(taken.Tokens) > 0 || taken.Expired {
		w.Track()
	}
	return taken
}

// Touch records that a link may change. Call it before or after each change to a link.
func (w *World) Touch(l *Link) {
	if w.touched != nil && l != nil {
		w.touched.Links[l.ID] = true
	}
}

// Session returns the session of a token, or nil. It records that the session may change.
func (w *World) Session(token string) *Session {
	s := w.Sessions[token]
	if w.touched != nil && s != nil {
		w.touched.Sessions[token] = true
	}
	return s
}

// exchange returns the exchange of an exchangeable token, or nil. It records that the exchange may
// change.
func (w *World) exchange(token string) *Exchange {
	e := w.Exchanges[token]
	if w.touched != nil && e != nil {
		w.touched.Exchanges[token] = true
	}
	return e
}

// Remember returns a function that restores the session of a token to its current state. Call it
// after a play that was a mistake.
func (w *World) Remember(token string) func() {
	s := w.Session(token)
	if s == nil {
		return func() {}
	}
	before, spent := *s, len(w.Spent)
	before.Steps, before.Trail = slices.Clone(s.Steps), slices.Clone(s.Trail)
	return func() {
		delete(w.Returns, s.Return)
		*s = before
		if s.Return != "" && !s.Forgotten {
			w.Returns[s.Return] = token
		}
		if !s.Over && len(w.Spent) > spent {
			w.Spent = w.Spent[:spent]
		}
	}
}

// Restore rebuilds the other fields of a world after links, sessions and exchanges were loaded into
// it.
func (w *World) Restore() {
	w.Order, w.ByUser = nil, map[string][]string{}
	for _, l := range slices.SortedFunc(maps.Values(w.Links), func(a, b *Link) int { return cmp.Compare(a.Number, b.Number) }) {
		w.Order = append(w.Order, l.ID)
		w.ByUser[l.User] = append(w.ByUser[l.User], l.ID)
	}
	w.Returns, w.Issued, w.Spent = map[string]string{}, nil, nil
	used := map[string]bool{}
	note := func(token string, at time.Time, isUsed bool) {
		w.Issued = append(w.Issued, Issued{token, at})
		used[token] = isUsed
	}
	for token, s := range w.Sessions {
		note(token, s.Created, s.Over)
		if s.Return != "" && !s.Forgotten {
			w.Returns[s.Return] = token
		}
	}
	for token, e := range w.Exchanges {
		note(token, e.Created, e.Used)
	}
	slices.SortFunc(w.Issued, func(a, b Issued) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Token, b.Token)) })
	for _, issued := range w.Issued {
		if used[issued.Token] {
			w.Spent = append(w.Spent, issued.Token)
		}
	}
	w.agenda, w.stirred = agenda{}, true
}
