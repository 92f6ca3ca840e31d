package moneykittest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestDeduperSuite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		moneykittest.DeduperSuite(t, func() moneykit.Deduper { return &moneykit.MemoryDeduper{} })
		one := &moneykit.MemoryDeduper{} // for all cases
		moneykittest.DeduperSuite(t, func() moneykit.Deduper { return one })
	})
}

// forgetful is a Deduper with a mistake. Methods without a replacement are correct.
type forgetful struct {
	*moneykit.MemoryDeduper
	claim           func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error)
	commit, release func(ctx context.Context, key, token string) error
}

func (f forgetful) Claim(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
	if f.claim != nil {
		return f.claim(ctx, key, lease)
	}
	return f.MemoryDeduper.Claim(ctx, key, lease)
}

func (f forgetful) Commit(ctx context.Context, key, token string) error {
	if f.commit != nil {
		return f.commit(ctx, key, token)
	}
	return f.MemoryDeduper.Commit(ctx, key, token)
}

func (f forgetful) Release(ctx context.Context, key, token string) error {
	if f.release != nil {
		return f.release(ctx, key, token)
	}
	return f.MemoryDeduper.Release(ctx, key, token)
}

// grantTwice grants an event to all concurrent claims.
func grantTwice(f *forgetful) {
	var mu sync.Mutex
	inside, tokens := map[string]int{}, map[string]string{}
	f.claim = func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
		mu.Lock()
		inside[key]++
		mu.Unlock()
		<-time.After(time.Millisecond)
		token, state, err := f.MemoryDeduper.Claim(ctx, key, lease)
		mu.Lock()
		defer mu.Unlock()
		if state == moneykit.ClaimGranted {
			tokens[key] = token
		}
		if state == moneykit.ClaimBusy && inside[key] > 1 {
			token, state = tokens[key], moneykit.ClaimGranted
		}
		inside[key]--
		return token, state, err
	}
}

func TestDeduperSuiteFindsMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		finds string // part of a case's name
		spoil func(f *forgetful)
	}{
		"grants everything": {"granted once", func(f *forgetful) {
			n := 0
			var mu sync.Mutex
			f.claim = func(context.Context, string, time.Duration) (string, moneykit.ClaimState, error) {
				mu.Lock()
				defer mu.Unlock()
				n++
				return fmt.Sprint(n), moneykit.ClaimGranted, nil
			}
			f.commit = func(context.Context, string, string) error { return nil }
			f.release = f.commit
		}},
		"does not commit": {"that was committed is done", func(f *forgetful) {
			f.commit = func(context.Context, string, string) error { return nil }
		}},
		"does not release": {"that was released is granted again", func(f *forgetful) {
			f.release = func(context.Context, string, string) error { return nil }
			f.claim = func(ctx context.Context, key string, _ time.Duration) (string, moneykit.ClaimState, error) {
				return f.MemoryDeduper.Claim(ctx, key, time.Millisecond) // otherwise the suite would wait a minute
			}
		}},
		"swallows the redelivery": {"ends after its lease", func(f *forgetful) {
			f.claim = func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
				token, state, err := f.MemoryDeduper.Claim(ctx, key, time.Hour)
				if state == moneykit.ClaimBusy && lease > time.Minute && strings.HasPrefix(key, "suite-05") {
					state = moneykit.ClaimDone
				}
				return token, state, err
			}
		}},
		"takes any token": {"its own token", func(f *forgetful) {
			f.commit = func(ctx context.Context, key, token string) error {
				_ = f.MemoryDeduper.Commit(ctx, key, token)
				return nil
			}
		}},
		"ignores the case of keys": {"events do not affect each other", func(f *forgetful) {
			f.claim = func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
				return f.MemoryDeduper.Claim(ctx, strings.ToLower(key), lease)
			}
		}},
		"cuts keys": {"events do not affect each other", func(f *forgetful) {
			f.claim = func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
				return f.MemoryDeduper.Claim(ctx, key[:min(len(key), 100)], lease)
			}
		}},
		"has one token": {"its own token", func(f *forgetful) {
			tokens := map[string]string{}
			var mu sync.Mutex
			f.claim = func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
				token, state, err := f.MemoryDeduper.Claim(ctx, key, lease)
				mu.Lock()
				defer mu.Unlock()
				if token != "" {
					tokens[key], token = token, "one"
				}
				return token, state, err
			}
			f.commit = func(ctx context.Context, key, _ string) error {
				mu.Lock()
				token := tokens[key]
				mu.Unlock()
				return f.MemoryDeduper.Commit(ctx, key, token)
			}
			f.release = func(ctx context.Context, key, _ string) error {
				mu.Lock()
				token := tokens[key]
				mu.Unlock()
				return f.MemoryDeduper.Release(ctx, key, token)
			}
		}},
		"ignores the context": {"an ended context", func(f *forgetful) {
			f.claim = func(ctx context.Context, key string, lease time.Duration) (string, moneykit.ClaimState, error) {
				return f.MemoryDeduper.Claim(context.WithoutCancel(ctx), key, lease)
			}
		}},
		"checks before it claims": {"of many concurrent claims", grantTwice},
		"takes late commits": {"its own token", func(f *forgetful) {
			f.commit = func(ctx context.Context, key, token string) error {
				err := f.MemoryDeduper.Commit(ctx, key, token)
				if err != nil {
					_, _, _ = f.MemoryDeduper.Claim(ctx, key, 0)
				}
				return nil
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &forgetful{MemoryDeduper: &moneykit.MemoryDeduper{}}
				test.spoil(f)
				tb := &fakeTB{}
				moneykittest.DeduperSuite(tb, func() moneykit.Deduper { return f })
				assert.Contains(t, strings.Join(tb.errors, "\n"), test.finds)
			})
		})
	}
}
