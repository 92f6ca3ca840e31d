package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// user is a user with a front end. Its actions depend on the seed.
type user struct {
	*load

	number int
	id     string
	rng    *rand.Rand
	source moneykit.ConnectSource
	old    bool // the front end does not name the link
}

func (l *load) newUser(i int) *user {
	rng := rand.New(rand.NewPCG(l.seed, uint64(i))) //nolint:gosec // a choice, no secret
	sources := []moneykit.ConnectSource{moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative}
	u := &user{load: l, number: i, id: userID(i), rng: rng, source: sources[rng.IntN(len(sources))]}
	u.old = u.source == moneykit.ConnectWeb && u.chance(50)
	l.kept[i] = map[string]bool{}
	return u
}

// chance reports true in percent of all cases.
func (u *user) chance(percent int) bool { return u.rng.IntN(100) < percent }

// fault plans a fault for this user or another.
func (u *user) fault() {
	if !u.faults || !u.chance(50) {
		return
	}
	all := failing()
	operation := all[u.rng.IntN(len(all))]
	if operation == "get_user_accounts" && !u.old {
		operation = "exchange_token" // other operations request accounts only here
	}
	u.planFault(u.rng, operation)
}

// live runs all actions of the user.
func (u *user) live(ctx context.Context) error {
	banks := []string{moneykittest.InstantBank, moneykittest.CredentialsBank, moneykittest.OAuthBank}
	first := banks[u.rng.IntN(len(banks))]
	links := []string{first}
	if u.chance(25) {
		second := first // Two links at one bank are hard to distinguish.
		if u.chance(50) {
			second = banks[u.rng.IntN(len(banks))]
		}
		links = append(links, second)
	}
	for i, bank := range links {
		linkID, err := u.link(ctx, bank)
		if err != nil {
			return fmt.Errorf("link %d: %w", i+1, err)
		}
		links[i] = linkID
		u.kept[u.number][linkID] = true
		u.links.Add(1)
	}
	for _, linkID := range links {
		if err := u.mend(ctx, linkID); err != nil {
			return fmt.Errorf("relinking %s: %w", linkID, err)
		}
	}
	if u.chance(10) {
		return u.disconnect(ctx, links[len(links)-1])
	}
	return nil
}

// disconnect deletes a link, after another user has tried to.
func (u *user) disconnect(ctx context.Context, linkID string) error {
	forger := userID((u.number + 1 + u.rng.IntN(u.users-1)) % u.users)
	u.forge(ctx, forger, "disconnect", u.named(linkID))
	for range 2 { // like a second click
		got, err := u.insist(ctx, u.id, "disconnect", u.named(linkID))
		if err == nil && got.Error.Code != "" {
			err = fmt.Errorf("the link cannot be disconnected: %v", got)
		}
		if err != nil {
			return err
		}
	}
	delete(u.kept[u.number], linkID)
	u.links.Add(-1)
	u.ended.Add(1)
	u.nudge()
	return nil
}

// named names a link by its handle for half of the front ends, and by its ID for the other half.
func (u *user) named(linkID string) posted {
	if u.number%2 == 0 {
		return posted{LinkID: linkID}
	}
	return posted{Link: connect.LinkHandle(u.id, linkID)}
}

// link links a bank.
func (u *user) link(ctx context.Context, bank string) (linkID string, err error) {
	for range 20 {
		u.fault()
		got, err := u.insist(ctx, u.id, "session?bank="+bank, struct{}{})
		if err != nil {
			return "", err
		}
		if got.Call != connect.LaunchLink || got.Token == "" {
			return "", fmt.Errorf("no session: %v", got)
		}
		payload, result, err := u.connect(got.Token, moneykittest.Play{Leave: u.chance(10)})
		if err != nil {
			return "", err
		}
		if result.Outcome == moneykit.ConnectExited {
			if err := u.exit(ctx, posted{Result: payload}); err != nil {
				return "", err
			}
			continue
		}
		err = u.settle(ctx, posted{Result: payload}, result)
		var refused *refusedError
		if !errors.As(err, &refused) {
			return result.LinkID, err
		}
		u.kept[u.number][result.LinkID] = false // the user starts over
		u.again.Add(1)
	}
	return "", errors.New("the user had to start over too often")
}

// connect plays the user in Connect, and returns the payload and the parsed result.
func (u *user) connect(token string, play moneykittest.Play) (json.RawMessage, *moneykit.ConnectResult, error) {
	payload := json.RawMessage(u.mk.Connect(token, u.source, play))
	result, err := moneykit.ParseConnectResult(payload)
	if err != nil {
		return nil, nil, err
	}
	if u.old && result.Outcome == moneykit.ConnectLinked {
		var args []json.RawMessage
		if err := json.Unmarshal(payload, &args); err != nil {
			return nil, nil, err
		}
		payload, err = json.Marshal(args[:2]) // the last one is the link's id
	}
	return payload, result, err
}

// posted is the body of a post to result.
type posted struct {
	Result json.RawMessage `json:"result"`
	Link   string          `json:"link,omitempty"`    // its handle
	LinkID string          `json:"link_id,omitempty"` // or its ID
}

func (u *user) exit(ctx context.Context, body posted) error {
	u.exits.Add(1)
	got, err := u.insist(ctx, u.id, "result", body)
	if err == nil && got.Outcome != moneykit.ConnectExited {
		err = fmt.Errorf("the response to an exit is %v", got)
	}
	return err
}

// refusedError is the error for a result that the application refuses.
type refusedError struct{ got answer }

// Error describes the response.
func (e *refusedError) Error() string { return "the result is refused: " + e.got.String() }

// settle posts a result: once or twice concurrently. Sometimes another user posts it, too.
func (u *user) settle(ctx context.Context, body posted, result *moneykit.ConnectResult) error {
	u.fault()
	copies := 1
	if u.chance(20) {
		copies = 2
		u.doubles.Add(1)
	}
	var forgery sync.WaitGroup
	if u.chance(15) {
		forger := userID((u.number + 1 + u.rng.IntN(u.users-1)) % u.users)
		forgery.Go(func() { u.forge(ctx, forger, "result", body) })
		if u.chance(50) {
			forgery.Wait() // the forger comes first
		}
	}
	defer forgery.Wait()
	handle := body.Link
	if linkID := cmp.Or(result.LinkID, body.LinkID); linkID != "" {
		handle = connect.LinkHandle(u.id, linkID)
	}
	answers := make(chan error, copies)
	for range copies {
		go func() {
			got, err := u.insist(ctx, u.id, "result", body)
			if err == nil && got.Outcome != result.Outcome {
				err = &refusedError{got}
			}
			if err == nil && got.Link != handle {
				err = fmt.Errorf("the handle %q belongs to another link", got.Link)
			}
			answers <- err
		}()
	}
	var errs []error
	for range copies {
		errs = append(errs, <-answers)
	}
	return errors.Join(errs...)
}

// forge posts the result of another user.
func (u *user) forge(ctx context.Context, forger, endpoint string, body posted) {
	got, err := u.insist(ctx, forger, endpoint, body)
	if err != nil || got.Error.Code == "" {
		u.wrong.add("%s succeeded with a request about a link of %s: %v %v", forger, u.id, got, err)
		return
	}
	u.forged.Add(1)
}

// patience is how long a user waits for a webhook. A busy machine delivers late.
const patience = 5 * time.Minute

// mend breaks a link, and relinks it after the webhook.
func (u *user) mend(ctx context.Context, linkID string) error {
	told := u.app.record(linkID).told
	reasons := []moneykit.LinkError{
		moneykit.LinkErrorAuthExpired, moneykit.LinkErrorInvalidCredentials, moneykit.LinkErrorUserInputIncorrect,
	}
	u.mk.Break(linkID, reasons[u.rng.IntN(len(reasons))])
	u.nudge()
	select {
	case <-told:
	case <-time.After(patience):
		return errors.New("no webhook has come")
	case <-ctx.Done():
		return ctx.Err()
	}
	if u.chance(10) {
		forger := userID((u.number + 1 + u.rng.IntN(u.users-1)) % u.users)
		u.forge(ctx, forger, "relink", u.named(linkID))
	}
	ended := ""     // the token of the last session that has ended
	silent := false // the link works again, but no result was posted
	for range 20 {
		u.fault()
		got, err := u.relink(ctx, linkID)
		switch {
		case err != nil:
			return err
		case got.Error.Code == "not_needed" && silent:
			return nil
		case got.Call != connect.LaunchRelink || got.Token == "":
			return fmt.Errorf("no session: %v", got)
		case got.Token == ended:
			return errors.New("the application returned a session that has ended")
		}
		payload, result, err := u.connect(got.Token, u.play())
		if err != nil {
			return err
		}
		body := u.named(linkID)
		body.Result = payload
		if u.chance(7) { // the user closes the tab, and no result is posted
			u.exits.Add(1)
			silent = result.Outcome == moneykit.ConnectRelinked
			continue
		}
		if result.Outcome == moneykit.ConnectExited {
			if err := u.exit(ctx, body); err != nil {
				return err
			}
			ended = got.Token
			continue
		}
		return u.settle(ctx, body, result)
	}
	return errors.New("the user left Connect too often")
}

// relink requests a session, sometimes by a double click, which must open one session.
func (u *user) relink(ctx context.Context, linkID string) (answer, error) {
	if !u.chance(25) {
		return u.insist(ctx, u.id, "relink", u.named(linkID))
	}
	type reply struct {
		got answer
		err error
	}
	other := make(chan reply, 1)
	go func() {
		got, err := u.insist(ctx, u.id, "relink", u.named(linkID))
		other <- reply{got, err}
	}()
	got, err := u.insist(ctx, u.id, "relink", u.named(linkID))
	second := <-other
	if err := errors.Join(err, second.err); err != nil {
		return got, err
	}
	if got.Token != second.got.Token || got.Error.Code != second.got.Error.Code {
		return got, fmt.Errorf("the responses to a double click differ: %v and %v", got, second.got)
	}
	return got, nil
}

// play returns what the user does in Connect to relink: sometimes the user leaves or fails.
func (u *user) play() moneykittest.Play {
	switch u.rng.IntN(10) {
	case 0:
		return moneykittest.Play{Leave: true}
	case 1:
		return moneykittest.Play{Failure: moneykit.LinkErrorInvalidCredentials}
	}
	return moneykittest.Play{}
}
