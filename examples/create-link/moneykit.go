package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// moneyKit is the MoneyKit that the application talks to.
type moneyKit struct {
	client  *moneykit.Client
	host    string               // of Connect's pages; empty means MoneyKit's own
	sandbox *moneykittest.Server // nil with real keys
}

// newMoneyKit returns MoneyKit itself, or a sandbox.
func newMoneyKit(ctx context.Context, s settings) (moneyKit, error) {
	if !s.real {
		options := []moneykittest.Option{moneykittest.WithAutoDelivery()}
		if s.keepsLinks() {
			// New links must not get the IDs of links in the database.
			options = append(options, moneykittest.WithSeed(rand.Uint64())) //nolint:gosec // G404: not a secret
		}
		sandbox := moneykittest.New(options...)
		return moneyKit{client: sandbox.Client(), host: sandbox.URL(), sandbox: sandbox}, nil
	}
	client, err := moneykit.NewClientFromEnv()
	if err != nil {
		return moneyKit{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	// Report a wrong key in the terminal now, rather than in the browser later.
	_, err = client.Auth.CreateToken(ctx)
	switch {
	case errors.Is(err, moneykit.ErrUnauthorized):
		return moneyKit{}, fmt.Errorf("MoneyKit refused the keys: check MONEYKIT_CLIENT_ID and MONEYKIT_CLIENT_SECRET: %w", err)
	case err != nil:
		return moneyKit{}, fmt.Errorf("MoneyKit could not be reached: %w", err)
	}
	return moneyKit{client: client}, nil
}

func (k moneyKit) close() {
	if k.sandbox != nil {
		k.sandbox.Close()
	}
}

// webhookURL returns the public URL of the endpoint for webhooks. Empty means that there is none.
func webhookURL(flag, publicURL string) (string, error) {
	name, address := "-webhook-url", flag
	if flag == "" && publicURL != "" {
		name, address = "PUBLIC_URL", strings.TrimRight(publicURL, "/")+"/webhooks"
	}
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("%s must be an https URL that MoneyKit can reach from outside", name)
	}
	return address, nil
}
