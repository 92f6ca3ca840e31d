package moneykit_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// direct calls a handler without a network, so that thousands of histories take seconds.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	server := req.Clone(req.Context())
	if server.Body == nil {
		server.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, server)
	return w.Result(), nil
}

var errCrash = errors.New("the process died")

// crashing is a store whose process crashes in some calls, before or after they take effect.
type crashing struct {
	moneykit.TransactionStore

	dice *rand.Rand
	odds float64
}

func (c *crashing) LoadPosition(ctx context.Context, linkID string) (moneykit.SyncPosition, error) {
	if c.dice.Float64() < c.odds {
		return moneykit.SyncPosition{}, errCrash
	}
	return c.TransactionStore.LoadPosition(ctx, linkID)
}

func (c *crashing) ApplyUpdate(ctx context.Context, update *moneykit.SyncUpdate) error {
	if c.dice.Float64() < c.odds {
		return errCrash
	}
	err := c.TransactionStore.ApplyUpdate(ctx, update)
	if err == nil && c.dice.Float64() < c.odds {
		return errCrash
	}
	return err
}

// playHistory plays a random history of a link, and sometimes syncs it into a store that crashes.
// After each complete sync the copy must equal MoneyKit's rows. more reports whether another step
// follows, and choose selects one of n steps.
func playHistory(t *testing.T, seed uint64, more func() bool, choose func(n int) int) {
	t.Helper()
	mk := moneykittest.New(moneykittest.WithSeed(seed), moneykittest.WithHistory(0))
	defer mk.Close()
	link := mk.AddLink(moneykittest.LinkSpec{})
	id, secret := mk.Credentials()
	client, err := moneykit.NewClient(id, secret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL("http://moneykit.test"),
		moneykit.WithHTTPClient(&http.Client{Transport: direct{mk.Handler()}}), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	require.NoError(t, err)
	memory := &moneykittest.MemoryStore{}
	store := &crashing{TransactionStore: memory, dice: rand.New(rand.NewPCG(seed, 1)), odds: 0.15}

	posted := func() []moneykit.Transaction {
		var rows []moneykit.Transaction
		for _, tx := range mk.Transactions(link.ID) {
			if !tx.Pending {
				rows = append(rows, tx)
			}
		}
		return rows
	}
	made := 0
	newRows := func(pending bool, n int) []moneykit.Transaction {
		rows := make([]moneykit.Transaction, n)
		for i := range rows {
			made++
			amount, err := moneykit.ParseDecimal(fmt.Sprint(made, ".25"))
			require.NoError(t, err)
			rows[i] = moneykit.Transaction{Amount: amount, Type: moneykit.TransactionTypeDebit, Pending: pending}
		}
		return rows
	}
	sync := func() {
		for {
			_, err := client.SyncTransactions(t.Context(), link.ID, store, moneykit.WithPageSize(1+choose(5)))
			if err == nil {
				break
			}
			require.ErrorIs(t, err, errCrash)
			if choose(4) == 0 { // something happens before the next try
				mk.AddTransactions(link.ID, append(newRows(false, choose(3)), newRows(true, choose(3))...)...)
			}
		}
		if truth, rows := mk.Transactions(link.ID), memory.Transactions(link.ID); len(truth)+len(rows) > 0 {
			require.Equal(t, truth, rows, "seed %d", seed)
		}
	}
	for more() {
		switch choose(9) {
		case 0, 1, 2:
			sync()
		case 3:
			mk.AddTransactions(link.ID, newRows(false, 1+choose(6))...)
		case 4:
			mk.AddTransactions(link.ID, append(newRows(false, choose(3)), newRows(true, choose(5))...)...)
		case 5:
			mk.Settle(link.ID)
		case 6:
			if rows := posted(); len(rows) > 0 {
				tx := rows[choose(len(rows))]
				made++
				tx.Description = fmt.Sprint("change ", made)
				mk.UpdateTransaction(link.ID, tx)
			}
		case 7:
			if rows := posted(); len(rows) > 0 {
				mk.RemoveTransaction(link.ID, rows[choose(len(rows))].ID)
			}
		case 8:
			if choose(2) == 0 {
				mk.ResetCursors(link.ID)
			} else if rows := posted(); len(rows) > 0 { // a change without a refresh
				_, err := client.Transactions.CorrectEnrichment(t.Context(), link.ID, rows[choose(len(rows))].ID,
					moneykit.EnrichmentParams{Category: moneykit.CategoryTravel})
				require.NoError(t, err)
			}
		}
	}
	store.odds = 0
	sync()
}

// histories is the number of random histories. CI plays more, which takes a minute.
var histories = flag.Int("histories", 300, "how many histories TestSyncHistories plays")

func TestSyncHistories(t *testing.T) {
	t.Parallel()
	const workers = 4
	for worker := range workers {
		t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
			t.Parallel()
			for seed := worker; seed < *histories; seed += workers {
				dice := rand.New(rand.NewPCG(uint64(seed), 2))
				steps := 3 + dice.IntN(12)
				more := func() bool {
					steps--
					return steps >= 0
				}
				playHistory(t, uint64(seed), more, dice.IntN)
			}
		})
	}
}

func FuzzSyncHistory(f *testing.F) {
	f.Add(uint64(1), []byte("\x03\x05\x00\x04\x01\x02\x00\x05\x00\x08\x00\x00"))
	f.Add(uint64(2), []byte("\x04\x02\x04\x00\x06\x01\x07\x00\x00\x08\x01\x00"))
	f.Fuzz(func(t *testing.T, seed uint64, choices []byte) {
		if len(choices) > 200 {
			choices = choices[:200]
		}
		playHistory(t, seed, func() bool { return len(choices) > 0 }, func(n int) int {
			if len(choices) == 0 {
				return n - 1
			}
			c := choices[0]
			choices = choices[1:]
			return int(c) % n
		})
	})
}
