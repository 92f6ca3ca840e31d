package moneykit

import (
	"context"
	"iter"
)

// Get returns an institution by its id or one of its aliases. It returns an error that matches
// [ErrNotFound] if there is none. Retried like any read.
//
// API operation: get_institution (GET /institutions/{institution_id}), 400 calls a minute for an
// application.
func (s *InstitutionsService) Get(ctx context.Context, institutionID string, opts ...CallOption) (*Institution, error) {
	return call[Institution](ctx, s.core, newGetInstitutionRequest(institutionID), opts)
}

// List returns one page of the institutions that match params. Most programs want
// [InstitutionsService.All].
//
// It returns an error that matches [ErrorCodeValidationFailed] for a limit outside 1 to 1000.
// Retried like any read.
//
// API operation: get_institutions (GET /institutions), 30 calls a minute for an application.
func (s *InstitutionsService) List(ctx context.Context, params InstitutionListParams, opts ...CallOption) (*InstitutionPage, error) {
	return call[InstitutionPage](ctx, s.core, newGetInstitutionsRequest(params), opts)
}

// All yields the institutions that match params. It reads a page when the loop reaches it, with
// 1000 institutions on a page unless params.Limit says otherwise. Errors and retries are those of
// [InstitutionsService.List]; an error ends the loop.
func (s *InstitutionsService) All(ctx context.Context, params InstitutionListParams, opts ...CallOption) iter.Seq2[Institution, error] {
	params.Limit = orMax(params.Limit)
	return iterate(params.Cursor, func(cursor string) (page[Institution, string], error) {
		params := params // Each loop has its own copy.
		params.Cursor = cursor
		list, err := s.List(ctx, params, opts...)
		if err != nil {
			return page[Institution, string]{}, err
		}
		next := list.Cursors.Next
		return page[Institution, string]{items: list.Institutions, next: next, more: next != ""}, nil
	})
}
