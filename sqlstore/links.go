package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/moneykit/moneykit-go"
)

// Link is what is stored of a link.
type Link struct {
	ID              string
	UserID          string // your own id of the user
	InstitutionID   string
	InstitutionName string
	State           moneykit.LinkState
	Error           moneykit.LinkError // why the link cannot be used, with moneykit.LinkStateError
	CreatedAt       time.Time          // when the link was stored, on the database's clock
	UpdatedAt       time.Time          // when it was last written, on the same clock
}

// ErrOtherUser is the error of a method that is given a link of another user.
var ErrOtherUser = errors.New("sqlstore: the link belongs to another user")

// SaveLink stores a link of a user, or replaces what is stored of it. Give it to connect.Config as
// OnLinked and OnRelinked. It is idempotent, and returns [ErrOtherUser] if another user has the
// link.
func (s *Store) SaveLink(ctx context.Context, userID string, link *moneykit.Link) error {
	if link == nil || link.ID == "" || userID == "" {
		return errors.New("sqlstore: a link must have an id and a user")
	}
	n, err := s.exec(ctx, `INSERT INTO moneykit_links
			(link_id, user_id, institution_id, institution_name, state, error, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, {stamp}, {stamp})
		ON CONFLICT (link_id) DO UPDATE SET institution_id = excluded.institution_id, institution_name = excluded.institution_name,
			state = excluded.state, error = excluded.error, updated_at = excluded.updated_at
		WHERE moneykit_links.user_id = excluded.user_id`,
		clean(link.ID), clean(userID), clean(link.InstitutionID), clean(link.InstitutionName), clean(string(link.State)), clean(string(link.Error)))
	if err != nil {
		return fmt.Errorf("sqlstore: storing a link: %w", err)
	}
	if n == 0 {
		return ErrOtherUser
	}
	return nil
}

// DeleteLink deletes a link of a user, its transactions and its work. Give it to connect.Config as
// OnDisconnected. It is idempotent, and returns [ErrOtherUser] if another user has the link. Stored
// keys of events are left to [Store.ForgetEvents].
//
// A sync that is under way stores nothing that it has read before: it conflicts, starts from the
// beginning, and fails with [moneykit.ErrLinkDeleted] if the link was deleted at MoneyKit. Delete
// the link at MoneyKit first, or the next sync stores its transactions again. One row stays, with
// the link's id and a number. With it the store refuses updates from syncs that began before the
// deletion.
func (s *Store) DeleteLink(ctx context.Context, userID, linkID string) error {
	id := clean(linkID)
	err := s.bounded(ctx, func(q querier) error {
		n, err := affected(q.ExecContext(ctx, s.text(`DELETE FROM moneykit_links WHERE link_id = $1 AND user_id = $2`), id, clean(userID)))
		if err != nil {
			return err
		}
		if n == 0 {
			var others int
			if err := q.QueryRowContext(ctx, s.text(`SELECT count(*) FROM moneykit_links WHERE link_id = $1`), id).Scan(&others); err != nil {
				return err
			}
			if others > 0 {
				return ErrOtherUser
			}
		}
		// The position locks out syncs, so it comes first. One that has loaded no position yet must
		// not find none again: it may have read a page before the deletion.
		_, err = q.ExecContext(ctx, s.text(`INSERT INTO moneykit_positions
			(link_id, cursor, refreshed_at, generation, rebuilding, partial, updated_at)
			VALUES ($1, $2, '', 1, false, false, {stamp})
			ON CONFLICT (link_id) DO UPDATE SET cursor = excluded.cursor, refreshed_at = excluded.refreshed_at,
			generation = moneykit_positions.generation + 1, rebuilding = false, partial = false, updated_at = excluded.updated_at`), id, []byte{})
		if err != nil {
			return err
		}
		for _, table := range []string{"transactions", "work"} {
			if _, err := q.ExecContext(ctx, s.text(`DELETE FROM moneykit_`+table+` WHERE link_id = $1`), id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrOtherUser) {
		return fmt.Errorf("sqlstore: deleting a link: %w", err)
	}
	return err
}

// SetLinkState stores a state of a link that an event reports: [moneykit.LinkStateChanged] has the
// state, the error and, as its Timestamp, the time. A state that is older than the one of the last
// event changes nothing.
//
// It returns an error that matches sql.ErrNoRows if the link is not stored.
func (s *Store) SetLinkState(ctx context.Context, linkID string, state moneykit.LinkState, linkError moneykit.LinkError, at time.Time) error {
	n, err := s.exec(ctx, `UPDATE moneykit_links SET state = $2, error = $3, state_at = $4, updated_at = {stamp}
		WHERE link_id = $1 AND (state_at IS NULL OR state_at <= $4)`,
		clean(linkID), clean(string(state)), clean(string(linkError)), s.stamp(at))
	if err != nil {
		return fmt.Errorf("sqlstore: storing the state of a link: %w", err)
	}
	if n == 0 {
		_, err = s.Link(ctx, linkID)
	}
	return err
}

// Link returns a link, or an error that matches sql.ErrNoRows.
func (s *Store) Link(ctx context.Context, linkID string) (Link, error) {
	links, err := collect(ctx, s, scanLink, selectLinks+` WHERE link_id = $1`, clean(linkID))
	if err == nil && len(links) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return Link{}, fmt.Errorf("sqlstore: reading a link: %w", err)
	}
	return links[0].Link, nil
}

// Links yields the links of a user, those first that were stored first. An error ends the loop.
func (s *Store) Links(ctx context.Context, userID string) iter.Seq2[Link, error] {
	return s.links(ctx, ` WHERE user_id = $1`, ` AND (created_at, link_id) > ($3, $4) `, `created_at, link_id`, clean(userID))
}

// AllLinks yields the links of all users, ordered by their ids. An error ends the loop.
func (s *Store) AllLinks(ctx context.Context) iter.Seq2[Link, error] {
	return s.links(ctx, ` WHERE $1 = ''`, ` AND link_id > $4 AND $3 = $3`, `link_id`, "")
}

const selectLinks = `SELECT link_id, user_id, institution_id, institution_name, state, error, created_at, updated_at FROM moneykit_links`

// storedLink is a link with the value of created_at in the form of the database.
type storedLink struct {
	Link

	created any
}

func (s *Store) links(ctx context.Context, where, after, order string, user string) iter.Seq2[Link, error] {
	stored := pages(func(last *storedLink) ([]storedLink, error) {
		args, more := []any{user, pageSize}, ""
		if last != nil {
			args, more = append(args, last.created, last.ID), after
		}
		list, err := collect(ctx, s, scanLink, selectLinks+where+more+` ORDER BY `+order+` LIMIT $2`, args...)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: reading links: %w", err)
		}
		return list, nil
	})
	return func(yield func(Link, error) bool) {
		for link, err := range stored {
			if !yield(link.Link, err) {
				return
			}
		}
	}
}

func scanLink(rows *sql.Rows) (storedLink, error) {
	var l storedLink
	var created, updated moneykit.Timestamp
	err := rows.Scan(&l.ID, &l.UserID, &l.InstitutionID, &l.InstitutionName, &l.State, &l.Error, &l.created, &updated)
	if err == nil {
		err = created.Scan(l.created)
	}
	l.CreatedAt, l.UpdatedAt = created.Time, updated.Time
	return l, err
}
