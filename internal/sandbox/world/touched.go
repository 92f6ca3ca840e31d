package world

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Touched is what may be different in a [World] than before, or gone: links by id, sessions and
// exchanges by token, and access tokens that were issued, oldest first.
type Touched struct {
	Links, Sessions, Exchanges map[string]bool
	Tokens                     []string
	Expired                    bool // all access tokens that were issued before Tokens
}

// Track makes the world note what is touched, for [World.TakeTouched].
func (w *World) Track() {
	w.touched = &Touched{Links: map[string]bool{}, Sessions: map[string]bool{}, Exchanges: map[string]bool{}}
}

// TakeTouched returns what was touched since the call before.
func (w *World) TakeTouched() Touched {
	taken := *w.touched
	if len(taken.Links)+len(taken.Sessions)+len(taken.Exchanges)+len(taken.Tokens) > 0 || taken.Expired {
		w.Track()
	}
	return taken
}

// Touch notes that a link may change. Whoever changes one calls it.
func (w *World) Touch(l *Link) {
	if w.touched != nil && l != nil {
		w.touched.Links[l.ID] = true
	}
}

// Session returns the session of a token, which may change, nil if there is none.
func (w *World) Session(token string) *Session {
	s := w.Sessions[token]
	if w.touched != nil && s != nil {
		w.touched.Sessions[token] = true
	}
	return s
}

// exchange is Session for exchangeable tokens.
func (w *World) exchange(token string) *Exchange {
	e := w.Exchanges[token]
	if w.touched != nil && e != nil {
		w.touched.Exchanges[token] = true
	}
	return e
}

// Remember returns a function that makes the session of a token as it is now, for a play that turns
// out to be a mistake.
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

// Restore makes what follows from the links, sessions and exchanges of a world into which these
// were put.
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
