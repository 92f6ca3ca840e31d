package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go"
)

// linkState is the output of the command state for a link.
type linkState struct {
	LinkID      string             `json:"link_id"`
	UserID      string             `json:"user_id"`
	Institution string             `json:"institution"`
	State       moneykit.LinkState `json:"state"`
	Error       moneykit.LinkError `json:"error,omitempty"`
	RefreshedAt moneykit.Timestamp `json:"refreshed_at,omitzero"` // of the copy
	Rebuilding  bool               `json:"rebuilding"`
	Partial     bool               `json:"partial"`
	Rows        int                `json:"rows"`
	Pending     int                `json:"pending"`
	Action      moneykit.Action    `json:"action"`
}

// runState is the command state. It reads only the database.
func runState(ctx context.Context, p *program, flags *flag.FlagSet, args []string) error {
	flags.BoolVar(&p.json, "json", false, "print one JSON object a link")
	if err := parse(flags, args, false); err != nil {
		return err
	}
	d, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	states, err := d.states(ctx)
	if err != nil {
		return d.words(err)
	}
	if p.json {
		out := json.NewEncoder(p.stdout)
		for _, s := range states {
			if err := out.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	return p.writeStates(states, d.place)
}

// states returns the state of each link.
func (d *database) states(ctx context.Context) ([]linkState, error) {
	rows, pending, err := d.counts(ctx)
	if err != nil {
		return nil, err
	}
	var states []linkState
	for link, err := range d.store.AllLinks(ctx) {
		if err != nil {
			return nil, err
		}
		states = append(states, linkState{
			LinkID: link.ID, UserID: link.UserID, Institution: link.InstitutionName, State: link.State, Error: link.Error,
			Rows: rows[link.ID], Pending: pending[link.ID],
			Action: moneykit.Link{State: link.State, Error: link.Error}.Action(),
		})
	}
	for i := range states {
		position, err := d.store.LoadPosition(ctx, states[i].LinkID)
		if err != nil {
			return nil, err
		}
		states[i].RefreshedAt, states[i].Rebuilding, states[i].Partial = position.RefreshedAt, position.Rebuilding, position.Partial
	}
	return states, nil
}

func (p *program) writeStates(states []linkState, place string) error {
	s := newScreen(p.stdout, p.getenv)
	if len(states) == 0 {
		_, err := fmt.Fprintf(p.stdout, "There are no links in %s. The command sync stores some.\n", place)
		return err
	}
	t := table{columns: []column{
		{title: "USER", least: 6, spare: 3},
		{title: "BANK", least: 10},
		{title: "LINK", spare: 4},
		{title: "STATE", least: 9},
		{title: "AGE", right: true, spare: 1},
		{title: "ROWS", right: true},
		{title: "PENDING", right: true, spare: 2},
	}}
	var todo []string
	for _, l := range states {
		look, text := green, string(l.State)
		if l.Error != "" {
			text = string(l.Error)
		}
		switch {
		case l.State != moneykit.LinkStateConnected:
			look = red
		case l.Rebuilding:
			look, text = plain, "building"
		case l.Partial:
			look, text = plain, "partial"
		}
		t.add(cell{clean(l.UserID), plain}, cell{clean(l.Institution), plain}, cell{clean(l.LinkID), faint}, cell{clean(text), look},
			cell{age(l.RefreshedAt.Time), plain}, cell{grouped(l.Rows), plain}, cell{grouped(l.Pending), plain})
		if next := l.next(); next != "" {
			todo = append(todo, s.beside(cut(clean(l.Institution), s.width/2), l.LinkID, 0)+wrap("-> "+next, s.width, 0))
		}
	}
	if err := t.write(p.stdout, s); err != nil {
		return err
	}
	for _, text := range todo {
		fmt.Fprint(p.stdout, "\n", text)
	}
	return nil
}

// age returns the time since MoneyKit fetched the data at the bank, as text.
func age(t time.Time) string {
	switch d := time.Since(t); {
	case t.IsZero():
		return "never"
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	default:
		return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
	}
}

// next returns advice about a link.
func (l *linkState) next() string {
	if text := advise(l.Action); text != "" {
		return text
	}
	if l.Rebuilding || l.Partial {
		return "the last sync did not finish: sync again"
	}
	if l.RefreshedAt.IsZero() && l.Rows == 0 {
		return "not synced yet: sync"
	}
	return ""
}
