package connect

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/plain"
)

const (
	handlePrefix = "link_"
	handleBytes  = 18 // of the hash: 24 characters
)

// LinkHandle returns the name of a user's link for front ends, such as
// link_R1RQbRUfa3anBsTO0H78_tZ0. It is always the same for a user and a link. It does not reveal
// the link's ID, and gives no access to the link: the endpoints accept a handle only from its own
// user. An application that lists a user's links sends this handle to its page.
func LinkHandle(userID, linkID string) string {
	// An ID is random, so the hash does not need a key to hide it.
	sum := sha256.Sum256(fmt.Appendf(nil, "MoneyKit link %d:%s%s", len(userID), userID, linkID))
	return handlePrefix + base64.RawURLEncoding.EncodeToString(sum[:handleBytes])
}

// isHandle reports whether name is a handle, rather than an ID.
func isHandle(name string) bool {
	hash, ok := strings.CutPrefix(name, handlePrefix)
	return ok && len(hash) == base64.RawURLEncoding.EncodedLen(handleBytes) && plain.Only(hash, plain.Alphanumeric+"-_")
}

// named are the members of a body that name a link.
type named struct {
	Link   string `json:"link"`
	LinkID string `json:"link_id"`
}

// name returns the handle or the ID.
func (n named) name() string {
	if n.Link != "" {
		return n.Link
	}
	return n.LinkID
}

// linkID returns the ID of the link that a front end named. For a handle it calls MoneyKit. It
// returns an ID unchanged, without verifying that the link belongs to the user.
func (h *Handler) linkID(ctx context.Context, userID, name string, opts ...moneykit.CallOption) (string, error) {
	if !isHandle(name) {
		return name, nil
	}
	return h.owned(ctx, userID, name, opts...)
}

// owned returns the ID of the user's link with a handle or an ID. If the user has no such link, the
// error matches [moneykit.ErrLinkNotOwned].
func (h *Handler) owned(ctx context.Context, userID, name string, opts ...moneykit.CallOption) (string, error) {
	links, err := h.client.Users.Links(ctx, userID, opts...)
	if err != nil {
		return "", err
	}
	for id := range links.Links {
		if id == name || LinkHandle(userID, id) == name {
			return id, nil
		}
	}
	return "", fmt.Errorf("connect: finding a link: %w", moneykit.ErrLinkNotOwned)
}
