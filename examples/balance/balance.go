// Package balance is a part of an application. Its tests show how to test code that uses MoneyKit;
// docs/testing.md explains them.
package balance

import (
	"context"
	"errors"

	"github.com/moneykit/moneykit-go"
)

// Accounts is what this package needs of MoneyKit. *moneykit.AccountsService implements it.
type Accounts interface {
	List(ctx context.Context, linkID string, params moneykit.AccountListParams, opts ...moneykit.CallOption) (*moneykit.AccountList, error)
}

// ErrExpired means that the user has to link the bank again.
var ErrExpired = errors.New("the access to the bank has expired")

// Total returns what is in the accounts of a link in one currency.
func Total(ctx context.Context, accounts Accounts, linkID, currency string) (moneykit.Decimal, error) {
	var total moneykit.Decimal
	list, err := accounts.List(ctx, linkID, moneykit.AccountListParams{})
	if errors.Is(err, moneykit.ErrRelinkRequired) {
		return total, ErrExpired
	}
	if err != nil {
		return total, err
	}
	for _, a := range list.Accounts {
		if a.Balances.Currency == currency && a.Balances.Current != nil {
			total = total.Add(*a.Balances.Current)
		}
	}
	return total, nil
}
