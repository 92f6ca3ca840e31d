//go:build linux

package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// bank changes the data in the sandbox.
type bank struct {
	sandbox *moneykittest.Server
	links   []string
	random  *rand.Rand
	rows    int // still to add
	added   int
}

// pageOf is the number of transactions that a bank adds at once.
const pageOf = 50

// work adds transactions evenly until ctx ends, and makes other changes meanwhile.
func (b *bank) work(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	start, rows := time.Now(), b.rows
	for ctx.Err() == nil {
		link := b.links[b.random.IntN(len(b.links))]
		switch n := b.random.IntN(100); {
		case n < 4:
			b.sandbox.Settle(link)
		case n < 8:
			b.sandbox.Refresh(link, moneykit.ProductTransactions)
		case n < 9:
			b.sandbox.ResetCursors(link)
		case n < 11:
			b.sandbox.Refresh(link, moneykit.ProductAccounts)
		case n < 30:
			b.change(link)
		default:
			b.add(link, pageOf)
		}
		// The rest of the rows is spread over the rest of the time.
		share := float64(rows-b.rows) / float64(rows)
		wait(ctx, time.Until(start.Add(time.Duration(share*float64(deadline.Sub(start))))))
	}
}

// finish adds the remaining rows, and one row to each link, so that each link gets an event.
func (b *bank) finish() {
	for i := 0; b.rows > 0; i++ {
		b.add(b.links[i%len(b.links)], min(b.rows, 500))
	}
	b.rows = len(b.links)
	for _, link := range b.links {
		b.add(link, 1)
	}
}

func (b *bank) add(link string, n int) {
	n = min(n, b.rows)
	if n == 0 {
		return
	}
	rows := make([]moneykit.Transaction, n)
	for i := range rows {
		b.added++
		rows[i] = moneykit.Transaction{
			Amount:      moneykit.MustDecimal(fmt.Sprintf("%d.%02d", b.random.IntN(1000), b.random.IntN(100))),
			Description: fmt.Sprintf("purchase %d", b.added),
			Pending:     b.random.IntN(10) == 0,
		}
	}
	b.sandbox.AddTransactions(link, rows...)
	b.rows -= n
}

// change alters or removes a posted transaction.
func (b *bank) change(link string) {
	rows := b.sandbox.Transactions(link)
	if len(rows) == 0 {
		return
	}
	row := rows[b.random.IntN(len(rows))]
	switch {
	case row.Pending:
		b.sandbox.Settle(link)
	case b.random.IntN(3) == 0:
		b.sandbox.RemoveTransaction(link, row.ID)
	default:
		row.Description += " (changed)"
		b.sandbox.UpdateTransaction(link, row)
	}
}

func jsonTo(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }
