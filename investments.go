package moneykit

import (
	"context"
	"iter"
)

// Holdings returns what a link's investment accounts hold, the securities that the holdings refer
// to, the accounts and the link, as of the last refresh. It does not go to the bank.
//
// It fails with [ErrForbidden] when the user did not permit it, [ErrRelinkRequired] or
// [ErrorCodeLinkBadState] when the link cannot be used, [ErrLinkDeleted] and [ErrNotFound]. It
// is repeated after network failures, 429, 502, 503 and 504.
//
// API operation: get_holdings (GET /links/{id}/investments/holdings).
func (s *InvestmentsService) Holdings(ctx context.Context, linkID string, params HoldingListParams, opts ...CallOption) (*HoldingList, error) {
	return call[HoldingList](ctx, s.core, newGetHoldingsRequest(linkID, params), opts)
}

// Transactions returns one page of the activity in a link's investment accounts, newest first, and
// the securities that it refers to. Positive amounts are money going out. Most programs want
// [InvestmentsService.AllTransactions].
//
// It fails with [ErrorCodeValidationFailed] for a size outside 1 to 1000 and for a range of days
// that ends before it begins, and otherwise fails and is repeated like
// [InvestmentsService.Holdings].
//
// API operation: get_investment_transactions (GET /links/{id}/investments/transactions).
func (s *InvestmentsService) Transactions(
	ctx context.Context, linkID string, params InvestmentTransactionListParams, opts ...CallOption,
) (*InvestmentTransactionPage, error) {
	return call[InvestmentTransactionPage](ctx, s.core, newGetInvestmentTransactionsRequest(linkID, params), opts)
}

// AllTransactions yields the activity in a link's investment accounts, newest first, page by page
// as the loop goes on. Without a size it asks for large pages. The securities are those of
// [InvestmentsService.Holdings] and of the single pages. It fails like
// [InvestmentsService.Transactions]; an error ends the loop.
func (s *InvestmentsService) AllTransactions(
	ctx context.Context, linkID string, params InvestmentTransactionListParams, opts ...CallOption,
) iter.Seq2[InvestmentTransaction, error] {
	id := func(t *InvestmentTransaction) string { return t.ID }
	return numbered(params.Page, params.Size, id, func(number, size int) ([]InvestmentTransaction, int, error) {
		params := params // a loop of its own
		params.Page, params.Size = number, size
		list, err := s.Transactions(ctx, linkID, params, opts...)
		if err != nil {
			return nil, 0, err
		}
		return list.Transactions, list.Total, nil
	})
}
