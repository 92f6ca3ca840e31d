package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/journal"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// record is the JSON of one record of a journal: the changes to the sandbox. The last record of a
// link, a session or another thing contains its current state.
type record struct {
	Seed       *uint64                    `json:"seed,omitempty"` // in the first record
	At         time.Time                  `json:"at"`             // by the clock of the sandbox
	Offset     *time.Duration             `json:"offset,omitempty"`
	Counts     map[string]int             `json:"counts,omitempty"`
	Links      map[string]json.RawMessage `json:"links,omitempty"` // by id
	Sessions   map[string]json.RawMessage `json:"sessions,omitempty"`
	Exchanges  map[string]json.RawMessage `json:"exchanges,omitempty"` // null if deleted
	Expired    bool                       `json:"expired,omitempty"`   // whether all access tokens of earlier records expired
	Tokens     []issuedToken              `json:"tokens,omitempty"`
	Deliveries []json.RawMessage          `json:"deliveries,omitempty"`
	Keys       json.RawMessage            `json:"keys,omitempty"`
	Faults     json.RawMessage            `json:"faults,omitempty"`
}

type issuedToken struct {
	Token string
	world.AccessToken
}

func (r *record) isEmpty() bool {
	return r.Offset == nil && len(r.Counts)+len(r.Links)+len(r.Sessions)+len(r.Exchanges)+len(r.Tokens)+len(r.Deliveries) == 0 &&
		!r.Expired && r.Keys == nil && r.Faults == nil
}

// slack is part of the size, in bytes, at which a journal is rewritten: twice the size that it had
// after the last rewrite, plus slack.
const slack = 64 << 20

// State keeps a sandbox in a file.
type State struct {
	sandbox *Sandbox
	journal *journal.Journal
	failed  func(error)
	seed    maphash.Seed
	written map[string]uint64 // hashes of the JSON in the last records, by kind and id
	offset  time.Duration
	counts  map[string]int
	limit   int64 // size of the journal at which it is rewritten
}

// Wanted says which settings of the user take precedence over the file.
type Wanted struct {
	Seed  bool // a file with another seed is an error
	Clock bool // the saved offset of the clock is ignored; the clock still never goes back
}

// Keep loads the state of the sandbox from a file, and creates the file if it does not exist. From
// then on, each change is written to the file before [world.Shared.Do] returns, so that the file
// contains everything that a response has reported. If a write fails, failed is called, which
// should end the program. Call Keep before the sandbox is used.
func (s *Sandbox) Keep(path string, wanted Wanted, failed func(error)) (*State, error) {
	j, records, err := journal.Open(path)
	if err != nil {
		return nil, err
	}
	k := &State{sandbox: s, journal: j, failed: failed, seed: maphash.MakeSeed(), written: map[string]uint64{}}
	s.World.Do(func(w *world.World, now time.Time) {
		now = now.Add(-w.Offset) // without the offset, which load changes
		if err = k.load(w, records, wanted, now); err != nil {
			err = fmt.Errorf("cannot use %s: %w", path, err)
			return
		}
		w.Track()
		s.Courier.Track()
		err = k.rewrite(w, now.Add(w.Offset))
	})
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	s.World.Keep(k.keep)
	return k, nil
}

// Close syncs the file to the disk and closes it. The sandbox must not be used afterwards.
func (k *State) Close() error {
	k.sandbox.World.Keep(nil)
	return k.journal.Close()
}

// load restores the world from records.
func (k *State) load(w *world.World, records [][]byte, wanted Wanted, now time.Time) error {
	var latest time.Time
	for _, data := range records {
		var r record
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("%w: a record is invalid: %w", journal.ErrDamaged, err)
		}
		if r.Seed != nil && *r.Seed != w.Seed {
			if wanted.Seed {
				return fmt.Errorf("it has the seed %d", *r.Seed)
			}
			w.Seed = *r.Seed
		}
		if err := k.apply(w, &r); err != nil {
			return fmt.Errorf("%w: a record is invalid: %w", journal.ErrDamaged, err)
		}
		if r.At.After(latest) {
			latest = r.At
		}
	}
	w.Restore()
	k.sandbox.Courier.Restored()
	if wanted.Clock {
		w.Offset = 0
	}
	if behind := latest.Sub(now.Add(w.Offset)); len(records) > 0 && behind > 0 {
		w.Offset += behind // the clock does not go back
	}
	return nil
}

func (k *State) apply(w *world.World, r *record) error {
	if r.Offset != nil {
		w.Offset = *r.Offset
	}
	if r.Counts != nil {
		w.Counts = r.Counts
	}
	err := errors.Join(put(w.Links, r.Links), put(w.Sessions, r.Sessions), put(w.Exchanges, r.Exchanges))
	if r.Expired {
		w.ExpireTokens()
	}
	for _, t := range r.Tokens {
		w.IssueToken(t.Token, t.AccessToken)
	}
	for _, d := range r.Deliveries {
		err = errors.Join(err, k.sandbox.Courier.RestoreDelivery(d))
	}
	if r.Keys != nil {
		err = errors.Join(err, k.sandbox.Courier.RestoreKeys(r.Keys))
	}
	if r.Faults != nil {
		err = errors.Join(err, k.sandbox.API.RestoreFaults(r.Faults))
	}
	return err
}

// put decodes records into a map. A null record deletes its entry.
func put[T any](all map[string]*T, records map[string]json.RawMessage) error {
	for id, data := range records {
		if string(data) == "null" {
			delete(all, id)
			continue
		}
		thing := new(T)
		if err := json.Unmarshal(data, thing); err != nil {
			return err
		}
		all[id] = thing
	}
	return nil
}

// keep writes the changes to the journal. The world must be locked.
func (k *State) keep(w *world.World, now time.Time) {
	r, err := k.changes(w, now)
	if err == nil && r.isEmpty() {
		return
	}
	if err == nil {
		var data []byte
		if data, err = json.Marshal(r); err == nil {
			err = k.journal.Append(data)
		}
	}
	if err == nil && k.journal.Size() > k.limit {
		err = k.rewrite(w, now)
	}
	if err != nil {
		k.failed(fmt.Errorf("cannot save the state: %w", err))
	}
}

// changes returns the differences between the sandbox and the file.
func (k *State) changes(w *world.World, now time.Time) (*record, error) {
	r := &record{At: now}
	touched := w.TakeTouched()
	var err error
	if r.Links, err = changed(k, "link", w.Links, touched.Links); err != nil {
		return nil, err
	}
	if r.Sessions, err = changed(k, "session", w.Sessions, touched.Sessions); err != nil {
		return nil, err
	}
	if r.Exchanges, err = changed(k, "exchange", w.Exchanges, touched.Exchanges); err != nil {
		return nil, err
	}
	for _, token := range touched.Tokens {
		r.Tokens = append(r.Tokens, issuedToken{token, w.Tokens[token]})
	}
	r.Expired = touched.Expired
	if w.Offset != k.offset {
		k.offset = w.Offset
		r.Offset = &k.offset
	}
	if !maps.Equal(w.Counts, k.counts) {
		k.counts = maps.Clone(w.Counts)
		r.Counts = k.counts
	}
	if r.Deliveries, r.Keys, err = k.sandbox.Courier.TakeTouched(); err != nil {
		return nil, err
	}
	r.Faults, err = k.sandbox.API.SavedFaults(false)
	return r, err
}

// changed returns the JSON of the touched things that differ from the file.
func changed[T any](k *State, kind string, all map[string]*T, touched map[string]bool) (map[string]json.RawMessage, error) {
	var out map[string]json.RawMessage
	for id := range touched {
		data := json.RawMessage("null")
		if thing := all[id]; thing != nil {
			var err error
			if data, err = json.Marshal(thing); err != nil {
				return nil, err
			}
		}
		hash := maphash.Bytes(k.seed, data)
		if name := kind + " " + id; k.written[name] != hash {
			k.written[name] = hash
			if all[id] == nil {
				delete(k.written, name)
			}
			if out == nil {
				out = map[string]json.RawMessage{}
			}
			out[id] = data
		}
	}
	return out, nil
}

// each calls add with one thing at a time, because all of them together could be too long for a
// record.
func each[T any](k *State, kind string, all map[string]*T, add func(map[string]json.RawMessage)) error {
	for id := range all {
		one, err := changed(k, kind, all, map[string]bool{id: true})
		if err != nil {
			return err
		}
		add(one)
	}
	return nil
}

// rewrite replaces all records by records of the current state. The world must be locked.
func (k *State) rewrite(w *world.World, now time.Time) error {
	k.written, k.offset, k.counts = map[string]uint64{}, w.Offset, maps.Clone(w.Counts)
	first := &record{Seed: &w.Seed, At: now, Offset: &k.offset, Counts: k.counts}
	for _, token := range w.TokenAges {
		first.Tokens = append(first.Tokens, issuedToken{token, w.Tokens[token]})
	}
	var err error
	if first.Deliveries, first.Keys, err = k.sandbox.Courier.Saved(); err != nil {
		return err
	}
	if first.Faults, err = k.sandbox.API.SavedFaults(true); err != nil {
		return err
	}
	all := []*record{first}
	err = errors.Join(
		each(k, "link", w.Links, func(one map[string]json.RawMessage) { all = append(all, &record{At: now, Links: one}) }),
		each(k, "session", w.Sessions, func(one map[string]json.RawMessage) { all = append(all, &record{At: now, Sessions: one}) }),
		each(k, "exchange", w.Exchanges, func(one map[string]json.RawMessage) { all = append(all, &record{At: now, Exchanges: one}) }),
	)
	if err != nil {
		return err
	}
	records := make([][]byte, len(all))
	for i, r := range all {
		if records[i], err = json.Marshal(r); err != nil {
			return err
		}
	}
	if err := k.journal.Replace(records); err != nil {
		return err
	}
	k.limit = 2*k.journal.Size() + slack
	return nil
}
