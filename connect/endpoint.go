package connect

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/plain"
)

// settleTime limits the calls to MoneyKit and the hook of a result or a disconnect, together.
const settleTime = time.Minute

// session opens a link session.
func (h *Handler) session(r *http.Request, user moneykit.CustomerUser, _ []byte) (any, error) {
	params := moneykit.LinkSessionParams{RedirectURI: h.config.RedirectURI, CustomerUser: user}
	if h.config.PrepareLink != nil {
		if err := h.config.PrepareLink(r, &params); err != nil {
			return nil, forbidden("PrepareLink", err)
		}
	}
	params.CustomerUser.ID = user.ID
	if err := h.checkRedirect("PrepareLink", params.RedirectURI); err != nil {
		return nil, err
	}
	return h.launch(LaunchLink, user.ID, func() (*moneykit.LinkSession, error) {
		return h.client.LinkSessions.Create(r.Context(), params, moneykit.WithoutRetry())
	})
}

// relink opens a link session that repairs a link of the user.
func (h *Handler) relink(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	name, err := readName(body)
	if err != nil {
		return nil, err
	}
	return h.launch(LaunchRelink, user.ID, func() (*moneykit.LinkSession, error) {
		linkID, err := h.linkID(r.Context(), user.ID, name, moneykit.WithoutRetry())
		if err != nil {
			return nil, err
		}
		params := moneykit.RelinkParams{RedirectURI: h.config.RedirectURI, CustomerUser: user}
		if h.config.PrepareRelink != nil {
			if err := h.config.PrepareRelink(r, linkID, &params); err != nil {
				return nil, forbidden("PrepareRelink", err)
			}
		}
		params.CustomerUser.ID = user.ID
		if err := h.checkRedirect("PrepareRelink", params.RedirectURI); err != nil {
			return nil, err
		}
		session, err := h.client.LinkSessions.Relink(r.Context(), linkID, params, moneykit.WithoutRetry())
		return session, refuseFields(err, sayNoSuchLink, "id")
	})
}

const (
	sayWhichLink  = "The request does not say which connection to a bank it is about."
	sayNoSuchLink = "The request names no connection to a bank."
	wantLink      = "the body must have the member link, the handle of a link, or link_id, its ID"
)

// readName returns the handle or the ID of the link that a body names.
func readName(body []byte) (string, error) {
	const form = `{"link": "…"}`
	var posted named
	if err := decode(body, &posted, form); err != nil {
		return "", err
	}
	if posted.name() == "" {
		return "", invalid(sayWhichLink, wantLink)
	}
	return posted.name(), nil
}

// checkRedirect returns an error if a hook set a redirect URI that Config does not have.
func (h *Handler) checkRedirect(hook, redirectURI string) error {
	if slices.Contains(h.config.redirects(), redirectURI) {
		return nil
	}
	return &refusal{
		status: http.StatusInternalServerError, code: "unavailable", message: sayTrouble,
		reason: hook + " set a redirect URI that is neither Config.RedirectURI nor one of Config.OtherRedirectURIs",
	}
}

const sayTrouble = "Something went wrong on our side. Please try again later."

func (h *Handler) launch(call LaunchCall, userID string, open func() (*moneykit.LinkSession, error)) (any, error) {
	var session *moneykit.LinkSession
	err := h.waits.do("session", userID, func() (err error) {
		session, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return Launch{Call: call, Token: session.Token, Host: h.config.launchHost(), Theme: h.config.Theme}, nil
}

// settled is the response to a result.
type settled struct {
	Outcome     moneykit.ConnectOutcome `json:"outcome"`
	Link        string                  `json:"link,omitempty"` // a handle
	Institution *institution            `json:"institution,omitempty"`
	Message     string                  `json:"message,omitempty"` // of an exit with an error
}

type institution struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Avatar string `json:"avatar,omitempty"` // a URL
}

// result exchanges a result of Connect for a link, and calls the hook for it.
func (h *Handler) result(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	const form = `{"result": …} with the arguments of Connect's callback`
	var posted struct {
		named

		Result json.RawMessage `json:"result"`
	}
	if err := decode(body, &posted, form); err != nil {
		return nil, err
	}
	if posted.Result == nil {
		return nil, invalid("The request has no result of Connect.", "the body must be "+form)
	}
	result, err := moneykit.ParseConnectResult(posted.Result)
	if err != nil {
		return nil, invalid("The result of Connect could not be read.", err.Error())
	}
	if result.Outcome == moneykit.ConnectExited {
		return h.exit(r.Context(), user.ID, posted.name(), result)
	}
	// A token can be exchanged only once, so this continues if the browser leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settleTime)
	defer cancel()
	link, err := h.finish(ctx, user.ID, posted.name(), result)
	if err != nil {
		return nil, err
	}
	name, hook := "OnLinked", h.config.OnLinked
	if result.Outcome == moneykit.ConnectRelinked {
		name, hook = "OnRelinked", h.config.OnRelinked
	}
	if hook != nil {
		if err := hook(ctx, user.ID, link); err != nil {
			return nil, notStored("Your bank is connected, but we could not save this.", name, link.ID, err)
		}
	}
	return settled{
		Outcome: result.Outcome, Link: LinkHandle(user.ID, link.ID),
		Institution: &institution{link.InstitutionID, link.InstitutionName, link.InstitutionAvatar},
	}, nil
}

// finish returns the verified link of a result.
func (h *Handler) finish(ctx context.Context, userID, name string, result *moneykit.ConnectResult) (link *moneykit.Link, err error) {
	finish := moneykit.FinishParams{Result: result, UserID: userID}
	if result.Outcome == moneykit.ConnectRelinked && name == "" && result.LinkID == "" {
		return nil, invalid(sayWhichLink, "the result does not name the link that was relinked; "+wantLink)
	}
	err = h.waits.do("result", userID, func() (err error) {
		if result.Outcome == moneykit.ConnectRelinked {
			if finish.LinkID, err = h.linkID(ctx, userID, name); err != nil {
				return err
			}
		}
		link, err = h.client.LinkSessions.Finish(ctx, finish)
		return refuseFields(err, "The result of Connect could not be used.", "result", "link_id", "id", "exchangeable_token")
	})
	return link, err
}

// maxSentence is the maximum length of an exit's message, in bytes.
const maxSentence = 500

// exit handles a result without a link. It does not call MoneyKit.
func (h *Handler) exit(ctx context.Context, userID, name string, result *moneykit.ConnectResult) (any, error) {
	finish := moneykit.FinishParams{Result: result, UserID: userID, LinkID: name}
	if isHandle(name) {
		finish.LinkID = "" // Without a link ID, Finish ends all relink sessions of the user.
	}
	_, err := h.client.LinkSessions.Finish(ctx, finish)
	if !errors.Is(err, moneykit.ErrConnectExited) {
		return nil, err
	}
	if h.config.OnExited != nil {
		h.config.OnExited(ctx, userID, result)
	}
	answer := settled{Outcome: moneykit.ConnectExited}
	if result.Err != nil {
		answer.Message = strings.TrimSpace(plain.Cut(plain.Line(result.Err.DisplayedMessage), maxSentence))
		if answer.Message == "" {
			answer.Message = moneykit.UserMessage(err)
		}
	}
	return answer, nil
}

// event logs an event of Connect, and passes it to the hook.
func (h *Handler) event(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	const form = "the argument of Connect's event callback"
	if err := decode(body, &json.RawMessage{}, form); err != nil {
		return nil, err
	}
	event, err := moneykit.ParseConnectEvent(body)
	if err != nil {
		return nil, invalid("The event of Connect could not be read.", err.Error()+"; the body must be "+form)
	}
	h.logger().LogAttrs(r.Context(), slog.LevelDebug, "moneykit: Connect event",
		slog.Any("connect", event), slog.String("session_id", plain.Label(event.SessionID)))
	if h.config.OnEvent != nil {
		h.config.OnEvent(r.Context(), user.ID, event)
	}
	return nil, nil //nolint:nilnil // The response has no body.
}
