package balance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/examples/balance"
)

// accounts returns the same for each link.
type accounts struct {
	list *moneykit.AccountList
	err  error
}

func (a accounts) List(context.Context, string, moneykit.AccountListParams, ...moneykit.CallOption) (*moneykit.AccountList, error) {
	return a.list, a.err
}

func TestTotalOfErrors(t *testing.T) {
	for name, tc := range map[string]struct{ err, want error }{
		"expired": {&moneykit.Error{Code: moneykit.ErrorCodeLinkBadState, LinkError: moneykit.LinkErrorAuthExpired}, balance.ErrExpired},
		"deleted": {&moneykit.Error{Code: moneykit.ErrorCodeLinkDeleted}, moneykit.ErrLinkDeleted},
		"limited": {&moneykit.Error{StatusCode: 429}, moneykit.ErrRateLimited},
	} {
		_, err := balance.Total(t.Context(), accounts{err: tc.err}, "mk_1", "USD")
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
