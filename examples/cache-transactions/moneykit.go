package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go"
)

// app is a database and the MoneyKit of its links.
type app struct {
	*program
	*database

	kit kit
}

// kit is the MoneyKit that the program talks to.
type kit struct {
	client  *moneykit.Client
	sandbox *bank // nil with keys
}

// close closes the sandbox and then the database.
func (a *app) close() {
	if a.kit.sandbox != nil {
		a.kit.sandbox.close()
	}
	a.database.close()
}

// open opens the database, and MoneyKit or the database's sandbox.
func (p *program) open(ctx context.Context) (*app, error) {
	id, secret := p.getenv("MONEYKIT_CLIENT_ID"), p.getenv("MONEYKIT_CLIENT_SECRET")
	if (id == "") != (secret == "") {
		return nil, errors.New("MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET belong together: set both, or neither for a sandbox")
	}
	if base := p.getenv("MONEYKIT_BASE_URL"); base != "" && id == "" {
		return nil, errors.New("MONEYKIT_BASE_URL needs MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET: a moneykit-sandbox prints its own")
	}
	d, err := p.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	a := &app{program: p, database: d}
	if id == "" {
		err = a.useSandbox(ctx)
	} else {
		err = a.useMoneyKit(ctx, id, secret)
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// useMoneyKit connects to MoneyKit. It reports a wrong key once, rather than for each link.
func (a *app) useMoneyKit(ctx context.Context, id, secret string) error {
	var opts []moneykit.Option
	if base := a.getenv("MONEYKIT_BASE_URL"); base != "" {
		opts = append(opts, moneykit.WithBaseURL(base))
	}
	client, err := moneykit.NewClient(id, secret, opts...)
	if err != nil {
		return err
	}
	name := "MoneyKit itself"
	if a.getenv("MONEYKIT_BASE_URL") != "" {
		name = "the MoneyKit at " + client.BaseURL()
	}
	if _, err := a.origin(ctx, name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = client.Auth.CreateToken(ctx)
	switch {
	case errors.Is(err, moneykit.ErrUnauthorized):
		return fmt.Errorf("MoneyKit refused the keys: check MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET: %w", err)
	case err != nil:
		return fmt.Errorf("MoneyKit could not be reached: %w", err)
	}
	a.kit.client = client
	return nil
}
