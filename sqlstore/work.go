package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Work is a claim on the work of a link. [Store.Begin] returns it.
type Work struct {
	LinkID string
	Task   string

	counter int64 // the requests that the work covers
	claim   string
}

// ErrNoWork is the error of [Store.Begin] if no request has come since the last work was done.
var ErrNoWork = errors.New("sqlstore: there is no work to do")

// ErrWorkLost is the error of [Store.Finish] and [Store.Extend] if the lease has ended and another
// worker has claimed the work, or if the link was deleted.
var ErrWorkLost = errors.New("sqlstore: the claim on the work has ended")

// BusyError is the error of [Store.Begin] if another worker has claimed the work.
type BusyError struct {
	// For is how long the other claim lasts unless it is extended or ends before.
	For time.Duration
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("sqlstore: another worker has claimed the work for %v", e.For)
}

// Request asks for work on a link: it raises the counter of the task, a name of your choice such
// as "sync". Call it in the transaction that enqueues a job for the work, with [Store.InTx]. One
// run of the work serves all requests that came before its Begin. Requests that come while it runs
// start another run.
//
// A transaction keeps the counter locked until it ends. A transaction that requests work on several
// links should do that in the order of their ids, so that two cannot block each other.
func (s *Store) Request(ctx context.Context, linkID, task string) error {
	_, err := s.exec(ctx, `INSERT INTO moneykit_work (link_id, task, requested, done, claim, leased_to)
		VALUES ($1, $2, 1, 0, '', 0)
		ON CONFLICT (link_id, task) DO UPDATE SET requested = moneykit_work.requested + 1`, clean(linkID), clean(task))
	if err != nil {
		return fmt.Errorf("sqlstore: requesting work: %w", err)
	}
	return nil
}

// Begin claims the requested work of a task of a link. The claim ends after lease, measured on the
// database's clock, unless [Store.Extend] extends it or [Store.Finish] or [Store.Release] ends it:
// so if the worker crashes, another one can begin.
//
// It returns [ErrNoWork] if nothing was requested since the last work was done, and a [*BusyError]
// if another worker has claimed it; try again after that time.
func (s *Store) Begin(ctx context.Context, linkID, task string, lease time.Duration) (Work, error) {
	if lease <= 0 {
		return Work{}, errors.New("sqlstore: the lease must be longer than 0")
	}
	w := Work{LinkID: clean(linkID), Task: clean(task), claim: rand.Text()}
	err := s.row(ctx, []any{&w.counter}, `UPDATE moneykit_work SET claim = $3, leased_to = {now} + $4
		WHERE link_id = $1 AND task = $2 AND requested > done AND leased_to <= {now} RETURNING requested`,
		w.LinkID, w.Task, w.claim, millis(lease))
	if !errors.Is(err, sql.ErrNoRows) {
		return w, wrap(err, "beginning work")
	}
	var left int64
	err = s.row(ctx, []any{&left}, `SELECT leased_to - {now} FROM moneykit_work
		WHERE link_id = $1 AND task = $2 AND requested > done`, w.LinkID, w.Task)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Work{}, ErrNoWork
	case err != nil:
		return Work{}, wrap(err, "beginning work")
	}
	return Work{}, &BusyError{For: time.Duration(max(left, 1)) * time.Millisecond}
}

// Finish marks everything that was requested before Begin as done, and ends the claim. It reports
// whether more was requested meanwhile: then begin again. If the lease has ended, Finish still
// succeeds as long as no other worker has claimed the work. It returns [ErrWorkLost] otherwise;
// then nothing is recorded.
func (s *Store) Finish(ctx context.Context, work Work) (more bool, err error) {
	err = s.row(ctx, []any{&more}, `UPDATE moneykit_work SET done = $4, claim = '', leased_to = 0
		WHERE link_id = $1 AND task = $2 AND claim = $3 RETURNING requested > $4`, work.LinkID, work.Task, work.held(), work.counter)
	if errors.Is(err, sql.ErrNoRows) {
		return false, ErrWorkLost
	}
	return more, wrap(err, "finishing work")
}

// Release ends the claim without the work being done, so that another worker can begin at once. It
// does nothing if the claim has ended.
func (s *Store) Release(ctx context.Context, work Work) error {
	_, err := s.exec(ctx, `UPDATE moneykit_work SET claim = '', leased_to = 0
		WHERE link_id = $1 AND task = $2 AND claim = $3`, work.LinkID, work.Task, work.held())
	return wrap(err, "releasing work")
}

// Extend makes the claim end after lease from now. It returns [ErrWorkLost] if another worker has
// claimed the work; then stop.
func (s *Store) Extend(ctx context.Context, work Work, lease time.Duration) error {
	n, err := s.exec(ctx, `UPDATE moneykit_work SET leased_to = {now} + $4
		WHERE link_id = $1 AND task = $2 AND claim = $3`, work.LinkID, work.Task, work.held(), millis(lease))
	if err == nil && n == 0 {
		return ErrWorkLost
	}
	return wrap(err, "extending a claim")
}

// held returns the claim. The zero Work holds none; that of a counter without one is empty.
func (w Work) held() string {
	if w.claim == "" {
		return "none"
	}
	return w.claim
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: %s: %w", doing, err)
}
