package moneykit

import (
	"context"
	"iter"
)

// Holdings returns the holdings in a link's investment accounts as of the last refresh, the
// securities that they refer to, the accounts and the link. It does not contact the bank. Errors
// and retries are those of [AccountsService.List].
//
// API operation: get_holdings (GET /links/{id}/investments/holdings).
func (s *InvestmentsService) Holdings(ctx context.Context, linkID string, params HoldingListParams, opts ...CallOption) (*HoldingList, error) {
	return call[HoldingList](ctx, s.core, newGetHoldingsRequest(linkID, params), opts)
}

// Transactions returns one page of the transactions in a link's investment accounts, newest first,
// and the securities that they refer to. A positive amount is money out of the account. Most
// programs want [InvestmentsService.AllTransactions].
//
// It returns an error that matches [ErrorCodeValidationFailed] for a size outside 1 to 1000 and for
// an end date before the start date. Other errors and retries are those of [AccountsService.List].
//
// API operation: get_investment_transactions (GET /links/{id}/investments/transactions).
func (s *InvestmentsService) Transactions(
	ctx context.Context, linkID string, params InvestmentTransactionListParams, opts ...CallOption,
) (*InvestmentTransactionPage, error) {
	return call[InvestmentTransactionPage](ctx, s.core, newGetInvestmentTransactionsRequest(linkID, params), opts)
}

// AllTransactions yields the transactions in a link's investment accounts, newest first. It reads a
// page when the loop reaches it, with 1000 transactions on a page unless params.Size says
// otherwise. It does not yield securities: read them with [InvestmentsService.Holdings] or
// [InvestmentsService.Transactions]. Errors and retries are those of
// [InvestmentsService.Transactions]; an error ends the loop.
func (s *InvestmentsService) AllTransactions(
	ctx context.Context, linkID string, params InvestmentTransactionListParams, opts ...CallOption,
) iter.Seq2[InvestmentTransaction, error] {
	id := func(t *InvestmentTransaction) string { return t.ID }
	return numbered(params.Page, params.Size, id, func(number, size int) ([]InvestmentTransaction, int, error) {
		params := params // Each loop has its own copy.
		params.Page, params.Size = number, size
		list, err := s.Transactions(ctx, linkID, params, opts...)
		if err != nil {
			return nil, 0, err
		}
		return list.Transactions, list.Total, nil
	})
}
