package connect

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/keylock"
	"github.com/moneykit/moneykit-go/internal/recent"
)

// deletedMemory is how long a handler remembers a link that it has deleted. If OnDisconnected
// failed, the front end may retry when MoneyKit no longer lists the link.
const deletedMemory = 10 * time.Minute

// deletions are the links that a handler has deleted recently. Keys are a user and a handle.
type deletions struct {
	links recent.Map[string, string] // IDs of deleted links
	asked recent.Map[string, string] // IDs of links for which a delete request was sent
	locks keylock.Locks              // for each link: a second click waits for the first
}

func newDeletions() *deletions {
	return &deletions{
		links: recent.Map[string, string]{Life: deletedMemory, Limit: maxUsers},
		asked: recent.Map[string, string]{Life: deletedMemory, Limit: maxUsers},
	}
}

// disconnect deletes a link of the user, and calls the hook for it.
func (h *Handler) disconnect(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	name, err := readName(body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settleTime)
	defer cancel()
	key := user.ID + "\x00" + name
	if !isHandle(name) {
		key = user.ID + "\x00" + LinkHandle(user.ID, name)
	}
	release, err := h.deletions.locks.Acquire(ctx, key)
	if err != nil {
		return nil, err
	}
	defer release()
	linkID, deleted := h.deletions.links.Get(key)
	if !deleted {
		linkID, err = h.delete(ctx, user.ID, name, key)
		if err != nil {
			return nil, err
		}
		h.deletions.links.Put(key, linkID)
	}
	if err := h.config.OnDisconnected(ctx, user.ID, linkID); err != nil {
		return nil, notStored("Your bank is disconnected, but we could not save this.", "OnDisconnected", linkID, err)
	}
	return nil, nil //nolint:nilnil // The response has no body.
}

// delete deletes the user's link with a handle or an ID, and returns its ID. If MoneyKit's response
// to an earlier request was lost, the link may be deleted already.
func (h *Handler) delete(ctx context.Context, userID, name, key string) (linkID string, err error) {
	err = h.waits.do("disconnect", userID, func() error {
		linkID, err = h.owned(ctx, userID, name)
		if asked, ok := h.deletions.asked.Get(key); ok && errors.Is(err, moneykit.ErrLinkNotOwned) {
			linkID = asked
			return nil
		}
		if err != nil {
			return err
		}
		h.deletions.asked.Put(key, linkID)
		err := h.client.Links.Delete(ctx, linkID)
		if errors.Is(err, moneykit.ErrLinkDeleted) {
			return nil
		}
		return err
	})
	return linkID, err
}
