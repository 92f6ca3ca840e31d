package connect

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/plain"
)

// settleTime is how long a result is settled and its hook runs.
const settleTime = time.Minute

// session opens a link session.
func (h *Handler) session(r *http.Request, user moneykit.CustomerUser, _ []byte) (any, error) {
	params := moneykit.LinkSessionParams{RedirectURI: h.config.RedirectURI, CustomerUser: user}
	if h.config.PrepareLink != nil {
		if err := h.config.PrepareLink(r, &params); err != nil {
			return nil, &refusal{http.StatusForbidden, "forbidden", "PrepareLink refused the session", err}
		}
	}
	params.CustomerUser.ID = user.ID
	return h.launch(LaunchLink, user.ID, func() (*moneykit.LinkSession, error) {
		return h.client.LinkSessions.Create(r.Context(), params, moneykit.WithoutRetry())
	})
}

// relink opens a link session that repairs a link of the user.
func (h *Handler) relink(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	var posted struct {
		LinkID string `json:"link_id"`
	}
	if err := json.Unmarshal(body, &posted); err != nil || posted.LinkID == "" {
		return nil, invalid("the body has no link_id", nil)
	}
	params := moneykit.RelinkParams{RedirectURI: h.config.RedirectURI, CustomerUser: user}
	if h.config.PrepareRelink != nil {
		if err := h.config.PrepareRelink(r, posted.LinkID, &params); err != nil {
			return nil, &refusal{http.StatusForbidden, "forbidden", "PrepareRelink refused the session", err}
		}
	}
	params.CustomerUser.ID = user.ID
	return h.launch(LaunchRelink, user.ID, func() (*moneykit.LinkSession, error) {
		return h.client.LinkSessions.Relink(r.Context(), posted.LinkID, params, moneykit.WithoutRetry())
	})
}

func (h *Handler) launch(call LaunchCall, userID string, open func() (*moneykit.LinkSession, error)) (any, error) {
	var session *moneykit.LinkSession
	err := h.waits.do("session", userID, func() (err error) {
		session, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return Launch{Call: call, Token: session.Token, Theme: h.config.Theme}, nil
}

// settled is the response to a result.
type settled struct {
	Outcome     moneykit.ConnectOutcome `json:"outcome"`
	Institution *institution            `json:"institution,omitempty"`
}

type institution struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// result turns what Connect called back with into a link, and calls the hook for it.
func (h *Handler) result(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	var posted struct {
		Result json.RawMessage `json:"result"`
		LinkID string          `json:"link_id"`
	}
	if err := json.Unmarshal(body, &posted); err != nil || posted.Result == nil {
		return nil, invalid("the body has no result", nil)
	}
	result, err := moneykit.ParseConnectResult(posted.Result)
	if err != nil {
		return nil, invalid("the result is not one of Connect's", err)
	}
	finish := moneykit.FinishParams{Result: result, UserID: user.ID, LinkID: posted.LinkID}
	if result.Outcome == moneykit.ConnectExited {
		return h.exit(r.Context(), finish)
	}
	// A token can be exchanged once, so the result is settled even if the browser leaves meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settleTime)
	defer cancel()
	var link *moneykit.Link
	err = h.waits.do("result", user.ID, func() (err error) {
		link, err = h.client.LinkSessions.Finish(ctx, finish)
		return err
	})
	if err != nil {
		return nil, err
	}
	name, hook := "OnLinked", h.config.OnLinked
	if result.Outcome == moneykit.ConnectRelinked {
		name, hook = "OnRelinked", h.config.OnRelinked
	}
	if hook != nil {
		if err := hook(ctx, user.ID, link); err != nil {
			return nil, &refusal{http.StatusInternalServerError, "not_stored", name + " failed for the link " + link.ID, err}
		}
	}
	return settled{result.Outcome, &institution{link.InstitutionID, link.InstitutionName}}, nil
}

// exit settles a result without a link. That takes no call to MoneyKit.
func (h *Handler) exit(ctx context.Context, finish moneykit.FinishParams) (any, error) {
	if _, err := h.client.LinkSessions.Finish(ctx, finish); !errors.Is(err, moneykit.ErrConnectExited) {
		return nil, err
	}
	if h.config.OnExited != nil {
		h.config.OnExited(ctx, finish.UserID, finish.Result)
	}
	return settled{Outcome: moneykit.ConnectExited}, nil
}

// event logs what Connect reports, and passes it on to the hook.
func (h *Handler) event(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error) {
	event, err := moneykit.ParseConnectEvent(body)
	if err != nil {
		return nil, invalid("the body is not an event of Connect", err)
	}
	h.logger().LogAttrs(r.Context(), slog.LevelDebug, "moneykit: Connect event",
		slog.Any("connect", event), slog.String("session_id", plain.Label(event.SessionID)))
	if h.config.OnEvent != nil {
		h.config.OnEvent(r.Context(), user.ID, event)
	}
	return nil, nil //nolint:nilnil // The response has no body.
}
