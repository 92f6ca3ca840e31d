package moneykittest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
)

// DeduperSuite tests that a [moneykit.Deduper] keeps its contract, and reports violations with
// tb.Errorf. It ends after the first case that fails. Run it with -race.
//
//	func TestDeduper(t *testing.T) {
//		moneykittest.DeduperSuite(t, func() moneykit.Deduper { return newDeduper(t) })
//	}
//
// DeduperSuite calls open for each case. open returns a Deduper that remembers at least a few
// hundred events. It may return the same Deduper each time, because every case uses its own keys.
// To test that all instances of a receiver share their state, return a new Deduper on the same
// database each time. Some cases wait until short leases end.
func DeduperSuite(tb TB, open func() moneykit.Deduper) {
	tb.Helper()
	for i, dc := range deduperCases() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		d := &deduperCase{tb: tb, name: dc.name, number: i, ctx: ctx, deduper: open()}
		dc.run(d)
		cancel()
		if d.failed { // Other cases might wait forever.
			return
		}
	}
}

type deduperTest struct {
	name string
	run  func(*deduperCase)
}

func deduperCases() []deduperTest {
	return []deduperTest{
		{"an event is granted once", (*deduperCase).grantsOnce},
		{"an event that was committed is done", (*deduperCase).remembers},
		{"an event that was released is granted again", (*deduperCase).releases},
		{"each claim has its own token", (*deduperCase).tellsClaimsApart},
		{"events do not affect each other", (*deduperCase).keepsApart},
		{"a claim ends after its lease", (*deduperCase).endsLeases},
		{"an expired claim is lost to the next claim", (*deduperCase).losesClaims},
		{"an expired claim without a next claim can be committed or is lost", (*deduperCase).commitsLate},
		{"unknown tokens change nothing", (*deduperCase).refusesTokens},
		{"an ended context grants nothing", (*deduperCase).heedsContext},
		{"one of many concurrent claims is granted", (*deduperCase).isAtomic},
		{"many concurrent events are handled once each", (*deduperCase).isExact},
	}
}

// deduperCase is one running case.
type deduperCase struct {
	tb      TB
	name    string
	number  int
	deduper moneykit.Deduper
	ctx     context.Context
	failed  bool
}

// longLease is longer than the duration of any case.
const longLease = 10 * time.Minute

func (d *deduperCase) errorf(format string, args ...any) {
	d.tb.Helper()
	d.failed = true
	d.tb.Errorf("moneykittest: %T: %s: "+format, append([]any{d.deduper, d.name}, args...)...)
}

// key returns a key that only this case uses.
func (d *deduperCase) key(name string) string { return fmt.Sprintf("suite-%02d-%s", d.number, name) }

// claim claims an event and returns the token. It reports an error if the state is not want.
func (d *deduperCase) claim(key string, lease time.Duration, want moneykit.ClaimState) string {
	d.tb.Helper()
	token, state, err := d.deduper.Claim(d.ctx, key, lease)
	switch {
	case err != nil:
		d.errorf("Claim: %v", err)
	case state != want:
		d.errorf("Claim returns the state %d, want %d", state, want)
	case want == moneykit.ClaimGranted && token == "":
		d.errorf("Claim grants an event without a token")
	}
	return token
}

func (d *deduperCase) commit(key, token string) {
	d.tb.Helper()
	if err := d.deduper.Commit(d.ctx, key, token); err != nil {
		d.errorf("Commit: %v", err)
	}
}

func (d *deduperCase) release(key, token string) {
	d.tb.Helper()
	if err := d.deduper.Release(d.ctx, key, token); err != nil {
		d.errorf("Release: %v", err)
	}
}

func (d *deduperCase) lost(key, token string) {
	d.tb.Helper()
	if err := d.deduper.Commit(d.ctx, key, token); !errors.Is(err, moneykit.ErrClaimLost) {
		d.errorf("Commit of a lost claim returns %v, want ErrClaimLost", err)
	}
}

func (d *deduperCase) grantsOnce() {
	key := d.key("a")
	d.claim(key, longLease, moneykit.ClaimGranted)
	d.claim(key, longLease, moneykit.ClaimBusy)
	d.claim(key, longLease, moneykit.ClaimBusy)
}

func (d *deduperCase) remembers() {
	key := d.key("a")
	token := d.claim(key, longLease, moneykit.ClaimGranted)
	d.commit(key, token)
	d.claim(key, longLease, moneykit.ClaimDone)
	d.release(key, token)
	d.claim(key, longLease, moneykit.ClaimDone)

	// The event stays done after the lease.
	key = d.key("b")
	d.commit(key, d.claim(key, shortLease, moneykit.ClaimGranted))
	<-time.After(2 * shortLease)
	d.claim(key, longLease, moneykit.ClaimDone)
}

func (d *deduperCase) releases() {
	key := d.key("a")
	for range 3 {
		d.release(key, d.claim(key, longLease, moneykit.ClaimGranted))
	}
	d.commit(key, d.claim(key, longLease, moneykit.ClaimGranted))
	d.claim(key, longLease, moneykit.ClaimDone)
}

func (d *deduperCase) tellsClaimsApart() {
	key := d.key("a")
	first := d.claim(key, longLease, moneykit.ClaimGranted)
	d.release(key, first)
	second := d.claim(key, longLease, moneykit.ClaimGranted)
	if first == second {
		d.errorf("two claims have the same token")
	}
	d.release(key, first) // late, and twice
	d.claim(key, longLease, moneykit.ClaimBusy)
	d.lost(key, first)
	d.claim(key, longLease, moneykit.ClaimBusy)
	d.commit(key, second)
}

func (d *deduperCase) keepsApart() {
	keys := []string{
		d.key("a"), d.key("A"), d.key("aa"), d.key("a'b"), d.key(`a"b`), d.key("a%"), d.key("a_"), d.key("a;--"), d.key(`a\b`), d.key("a/b"),
		d.key(strings.Repeat("k", 255-len(d.key("")))), d.key(strings.Repeat("k", 254-len(d.key(""))) + "l"),
	}
	tokens := make([]string, len(keys))
	for i, key := range keys {
		tokens[i] = d.claim(key, longLease, moneykit.ClaimGranted)
	}
	for i, key := range keys {
		if i%2 == 0 {
			d.commit(key, tokens[i])
		} else {
			d.release(key, tokens[i])
		}
	}
	for i, key := range keys {
		want := moneykit.ClaimDone
		if i%2 != 0 {
			want = moneykit.ClaimGranted
		}
		d.claim(key, longLease, want)
	}
}

// shortLease is short enough for a case to wait for its end.
const shortLease = 50 * time.Millisecond

// granted claims an event until it is granted.
func (d *deduperCase) granted(key string) string {
	d.tb.Helper()
	for {
		token, state, err := d.deduper.Claim(d.ctx, key, longLease)
		switch {
		case err != nil:
			d.errorf("Claim returns %v, because the lease does not end", err)
			return ""
		case state == moneykit.ClaimGranted:
			return token
		case state != moneykit.ClaimBusy:
			d.errorf("Claim returns the state %d for an event that was not handled", state)
			return ""
		}
		<-time.After(shortLease / 5)
	}
}

func (d *deduperCase) endsLeases() {
	key := d.key("a")
	d.claim(key, shortLease, moneykit.ClaimGranted)
	d.granted(key)
	d.claim(key, shortLease, moneykit.ClaimBusy)
}

func (d *deduperCase) losesClaims() {
	key := d.key("a")
	first := d.claim(key, shortLease, moneykit.ClaimGranted)
	second := d.granted(key)
	d.lost(key, first)
	d.release(key, first)
	d.claim(key, longLease, moneykit.ClaimBusy)
	d.commit(key, second)
	d.claim(key, longLease, moneykit.ClaimDone)
	d.lost(key, first)
}

func (d *deduperCase) commitsLate() {
	key := d.key("a")
	token := d.claim(key, shortLease, moneykit.ClaimGranted)
	<-time.After(2 * shortLease)
	err := d.deduper.Commit(d.ctx, key, token)
	switch {
	case err == nil:
		d.claim(key, longLease, moneykit.ClaimDone)
	case errors.Is(err, moneykit.ErrClaimLost):
		d.claim(key, longLease, moneykit.ClaimGranted)
	default:
		d.errorf("Commit: %v", err)
	}
}

func (d *deduperCase) refusesTokens() {
	key := d.key("a")
	d.lost(key, "made-up")
	d.release(key, "made-up")
	token := d.claim(key, longLease, moneykit.ClaimGranted)
	d.lost(key, "")
	d.lost(key, token+"x")
	d.lost(d.key("b"), token)
	d.release(key, "")
	d.release(d.key("b"), token)
	d.claim(key, longLease, moneykit.ClaimBusy)
	d.commit(key, token)
}

func (d *deduperCase) heedsContext() {
	ended, cancel := context.WithCancel(d.ctx)
	cancel()
	key := d.key("a")
	if _, state, err := d.deduper.Claim(ended, key, longLease); err == nil {
		d.errorf("Claim returns the state %d with an ended context", state)
	}
	d.claim(key, longLease, moneykit.ClaimGranted)
}

func (d *deduperCase) isAtomic() {
	for round := range 20 {
		key := d.key(fmt.Sprint(round))
		var granted, done int
		d.atOnce(16, func(int) func() {
			_, state, err := d.deduper.Claim(d.ctx, key, longLease)
			return func() {
				switch {
				case err != nil:
					d.errorf("Claim: %v", err)
				case state == moneykit.ClaimGranted:
					granted++
				case state == moneykit.ClaimDone:
					done++
				}
			}
		})
		if granted != 1 || done != 0 {
			d.errorf("of 16 concurrent claims %d were granted and %d done", granted, done)
			return
		}
	}
}

// atOnce runs f in n goroutines, and then the functions that they return, one after the other.
func (d *deduperCase) atOnce(n int, f func(i int) func()) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			report := f(i)
			mu.Lock()
			defer mu.Unlock()
			report()
		})
	}
	wg.Wait()
}

func (d *deduperCase) isExact() {
	const events = 40
	var handled [events]int
	var failed error
	d.atOnce(8, func(worker int) func() {
		var mine [events]int
		var err error
		gaveBack := 0
		for open := true; open && err == nil; err = errors.Join(err, d.ctx.Err()) {
			open = false
			for i := range events {
				i = (i + worker*5) % events
				key := d.key(fmt.Sprint(i))
				var token string
				var state moneykit.ClaimState
				if token, state, err = d.deduper.Claim(d.ctx, key, longLease); err != nil {
					break
				}
				switch {
				case state == moneykit.ClaimBusy:
					open = true
				case state == moneykit.ClaimGranted && gaveBack < 10:
					open = true
					gaveBack++
					err = d.deduper.Release(d.ctx, key, token)
				case state == moneykit.ClaimGranted:
					mine[i]++
					err = d.deduper.Commit(d.ctx, key, token)
				}
			}
		}
		return func() {
			for i, n := range mine {
				handled[i] += n
			}
			failed = errors.Join(failed, err)
		}
	})
	if failed != nil {
		d.errorf("with 8 workers: %v", failed)
	}
	for i, n := range handled {
		if n != 1 {
			d.errorf("event %d was handled %d times", i, n)
		}
	}
}
