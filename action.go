package moneykit

import (
	"errors"
	"net/http"
)

// Action is what to do next about a link, an error or an event.
type Action string

// The actions.
const (
	ActionNone    Action = "none"            // nothing to do, or nothing that concerns the link
	ActionWait    Action = "wait"            // the link is being connected; look again soon
	ActionRelink  Action = "relink"          // the user goes through Connect again: [LinkSessionsService.Relink]
	ActionUser    Action = "user_at_bank"    // the user must do something at the bank first
	ActionRetry   Action = "retry_later"     // temporary; try again later
	ActionGone    Action = "gone"            // permanently gone; the user can connect the bank again
	ActionSupport Action = "contact_support" // a person must look into it
	ActionFix     Action = "fix_the_program" // the request or the settings are wrong
)

// advice is everything that this package says about a code, a link error, a product error or a
// sentinel.
type advice struct {
	class  error // the class for errors.Is, nil for none
	action Action
	status int    // the HTTP status for the application's own front end
	why    string // for developers, in errors
	text   string // for end users
}

// Sentences for end users that fit several codes.
const (
	sayAgain   = "We could not reach your bank. Please try again in a while."
	sayTrouble = "Something went wrong on our side. Please try again later."
	saySupport = "Something went wrong. Please contact us."
	sayGone    = "This connection to your bank has ended. You can connect your bank again."
	sayNoLink  = "We found no suitable account at your bank. Please check which accounts you have there, or connect another bank."
	sayLogin   = "Your bank wants you to log in again. Please reconnect your bank."
	sayPermit  = "You have not permitted this yet. Please reconnect your bank, and permit it there."
	sayExited  = "Connecting your bank was not finished. Please try again."
	sayOften   = "That was a little too often. Please try again in a minute."
	sayBank    = "Your bank has a problem at the moment. Please try again later."
)

func (l LinkError) advice() advice {
	relink := func(why, text string) advice {
		return advice{ErrRelinkRequired, ActionRelink, http.StatusConflict, why + "; relink the link", text}
	}
	other := func(action Action, why, text string) advice {
		return advice{nil, action, http.StatusConflict, why, text}
	}
	switch l {
	case LinkErrorAuthExpired:
		return relink("the bank requires the user to log in again", sayLogin)
	case LinkErrorInvalidCredentials:
		return relink("the bank did not accept the user's login",
			"Your bank did not accept your login. Please reconnect your bank with your current user name and password.")
	case LinkErrorUserOAuthDenied:
		return relink("the user denied access at the bank",
			"You did not permit access at your bank. Please reconnect your bank, and permit access there.")
	case LinkErrorUserInputIncorrect:
		return relink("the bank did not accept what the user entered",
			"Something that you entered was not right. Please reconnect your bank.")
	case LinkErrorUserError:
		return relink("the user did not finish connecting the bank", sayExited)
	case LinkErrorIncomplete:
		return relink("the bank needs one more step from the user",
			"Your bank needs one more step from you. Please reconnect your bank to finish.")
	case LinkErrorUserSetupRequired:
		return other(ActionUser, "the user must first do something at the bank",
			"Your bank asks you to do something first. Please log in at your bank's website or app, and then reconnect your bank.")
	case LinkErrorNoAccounts:
		return other(ActionUser, "the user has no suitable account at the bank", sayNoLink)
	case LinkErrorInstitutionError:
		return other(ActionRetry, "the bank has a problem; temporary", sayBank)
	case LinkErrorProviderError, LinkErrorSystemError:
		return other(ActionRetry, "MoneyKit or its provider has a problem; temporary", sayAgain)
	case "":
		return advice{}
	}
	return other(ActionSupport, "", saySupport)
}

func (e ProductError) advice() advice {
	switch e {
	case ProductErrorAuthExpired:
		return LinkErrorAuthExpired.advice()
	case ProductErrorNoPermission:
		return advice{ErrForbidden, ActionRelink, http.StatusForbidden, "the user has not permitted the product; relink the link", sayPermit}
	case ProductErrorNoAccounts:
		return LinkErrorNoAccounts.advice()
	case ProductErrorNotSupported:
		return advice{nil, ActionNone, http.StatusConflict, "the bank does not offer the product", "Your bank does not offer this."}
	case ProductErrorInstitutionError:
		return LinkErrorInstitutionError.advice()
	case ProductErrorRateLimit, ProductErrorTimeout, ProductErrorUnknown:
		return advice{nil, ActionRetry, http.StatusServiceUnavailable, "the data could not be fetched from the bank; temporary", sayAgain}
	case "":
		return advice{}
	}
	return advice{nil, ActionSupport, http.StatusConflict, "", saySupport}
}

func (c ErrorCode) advice() advice {
	fix := func(class error, why string) advice {
		return advice{class, ActionFix, http.StatusBadGateway, why, sayTrouble}
	}
	gone := func(class error, why string) advice {
		return advice{class, ActionGone, http.StatusNotFound, why, sayGone}
	}
	switch c {
	case ErrorCodeRateLimitExceeded:
		return advice{ErrRateLimited, ActionRetry, http.StatusTooManyRequests, "too many requests", sayOften}
	case ErrorCodeExpiredAccessToken:
		return advice{ErrUnauthorized, ActionRetry, http.StatusBadGateway, "the access token has expired", sayTrouble}
	case ErrorCodeLinkBadState:
		return advice{
			ErrRelinkRequired, ActionRelink, http.StatusConflict, "the link cannot be used; relink the link",
			"The connection to your bank does not work at the moment. Please reconnect your bank.",
		}
	case ErrorCodeLinkDeleted:
		return gone(ErrLinkDeleted, "the link was deleted")
	case ErrorCodeLinkNotFound:
		return gone(ErrNotFound, "there is no such link, account or transaction")
	case ErrorCodeLinkForbiddenAction:
		return advice{
			ErrForbidden, ActionRelink, http.StatusForbidden,
			"the user has not permitted this, or the link does not allow it", sayPermit,
		}
	case ErrorCodeInvalidTokenExchange:
		return advice{
			nil, ActionGone, http.StatusConflict, "the exchangeable token is unknown, expired or already exchanged",
			"Connecting your bank took too long, or was finished before. Please start again.",
		}
	case ErrorCodeInstitutionNotFound:
		return advice{ErrNotFound, ActionNone, http.StatusNotFound, "there is no such institution", "We do not know this bank."}
	case ErrorCodeUnauthorized:
		return fix(ErrUnauthorized, "the client's credentials were not accepted")
	case ErrorCodeLinkUnauthorizedAccess:
		return fix(ErrUnauthorized, "the link belongs to another application")
	case ErrorCodeLinkSessionForbiddenConfig:
		return fix(ErrForbidden, "the application may not open such a link session; is the redirect URI's origin registered?")
	case ErrorCodeLinkBadConfig:
		return fix(nil, "the link is not configured for this; does it have a webhook?")
	case ErrorCodeValidationFailed:
		return advice{nil, ActionFix, http.StatusUnprocessableEntity, "the request breaks a rule", sayTrouble}
	case "":
		return advice{}
	}
	return advice{nil, ActionSupport, http.StatusBadGateway, "", saySupport}
}

// sentinelAdvice returns the first sentinel that err matches, nil for none, and its advice. The
// more specific sentinels come first: a lost exchange whose link is deleted counts as a deleted
// link.
func sentinelAdvice(err error) (says advice, sentinel error) {
	for _, s := range []struct {
		err error
		advice
	}{
		{ErrLinkDeleted, ErrorCodeLinkDeleted.advice()},
		{ErrLinkNotOwned, advice{nil, ActionGone, http.StatusNotFound, "the link is not the user's", sayGone}},
		{ErrNotFound, ErrorCodeLinkNotFound.advice()},
		{ErrRelinkNotNeeded, advice{
			nil, ActionNone, http.StatusConflict, "the link is connected, and there is nothing to add", "Your bank is connected.",
		}},
		{ErrRelinkRequired, LinkErrorAuthExpired.advice()},
		{ErrLinkConnecting, advice{
			nil, ActionWait, http.StatusConflict, "the link is not connected yet",
			"Your bank is being connected. This may take a few minutes.",
		}},
		{ErrConnectExited, advice{nil, ActionNone, http.StatusConflict, "the user left Connect without a link", sayExited}},
		{ErrRateLimited, ErrorCodeRateLimitExceeded.advice()},
		{ErrForbidden, ErrorCodeLinkSessionForbiddenConfig.advice()},
		{ErrUnauthorized, ErrorCodeUnauthorized.advice()},
		{ErrSyncConflict, advice{nil, ActionRetry, http.StatusServiceUnavailable, "another process has synced the link", sayTrouble}},
		{ErrOutcomeUnknown, advice{nil, ActionRetry, http.StatusBadGateway, "", sayTrouble}},
	} {
		if errors.Is(err, s.err) {
			return s.advice, s.err
		}
	}
	return advice{}, nil
}

// advice returns the advice for e: that of its link error if there is one, else that of its code if
// this package knows it, else that of its class.
func (e *Error) advice() advice {
	switch {
	case e.LinkError.Known():
		return e.LinkError.advice()
	case e.LinkError != "": // newer than this package
		a := e.LinkError.advice()
		a.why = "the link cannot be used"
		return a
	case e.Code.Known():
		return e.Code.advice()
	}
	if a, sentinel := sentinelAdvice(e); sentinel != nil {
		return a
	}
	if e.Code != "" {
		return e.Code.advice()
	}
	return advice{nil, ActionRetry, http.StatusBadGateway, "", sayTrouble}
}

func adviceFor(err error) advice {
	var (
		e       *Error
		link    LinkError
		code    ErrorCode
		product ProductError
		found   error // the error in err's tree that has its own advice
		a       advice
	)
	switch {
	case err == nil, errors.As(err, &e) && e == nil:
		return advice{nil, ActionNone, http.StatusOK, "", ""}
	case e != nil:
		found, a = e, e.advice()
	case errors.As(err, &link):
		found, a = link, link.advice()
	case errors.As(err, &code):
		found, a = code, code.advice()
	case errors.As(err, &product):
		found, a = product, product.advice()
	}
	// An error that wraps it or is joined to it may be more specific.
	if telling, sentinel := sentinelAdvice(err); sentinel != nil && !errors.Is(found, sentinel) {
		return telling
	}
	if found != nil {
		return a
	}
	var exit *ConnectError
	if errors.As(err, &exit) {
		return advice{nil, ActionNone, http.StatusConflict, "", sayExited}
	}
	return advice{nil, ActionRetry, http.StatusInternalServerError, "", sayTrouble}
}

// ActionFor returns what to do about an error of this package: [ActionNone] for nil, [ActionRelink]
// if the user must go through Connect again, and so on. It agrees with [errors.Is]: an error has
// the action of the sentinel, the [ErrorCode] or the [LinkError] that it matches. If errors are
// joined, the one that says most about the link decides. For an error that does not come from this
// package it returns [ActionRetry].
func ActionFor(err error) Action { return adviceFor(err).action }

// UserMessage returns a sentence for the end user about an error of this package, or "" for nil.
func UserMessage(err error) string { return adviceFor(err).text }

// StatusFor returns the HTTP status with which a back end reports an error of this package to its
// own front end:
//
//   - 200 for nil;
//   - 404 for a link, account, transaction or institution that does not exist or no longer exists,
//     and for a link of another user;
//   - 409 for a link that cannot be used now, and for a Connect result without a link;
//   - 403 if the user did not permit the request;
//   - 422 for a request that breaks one of MoneyKit's rules;
//   - 429 if MoneyKit allows no more requests now; pass on [Error.RetryAfter];
//   - 502 if MoneyKit failed or refused the application;
//   - 503 for errors that a retry will resolve, such as [ErrSyncConflict];
//   - 500 for an error that does not come from this package.
func StatusFor(err error) int { return adviceFor(err).status }

// Action returns what to do about a link in [LinkStateError] with this reason.
func (l LinkError) Action() Action { return actionOf(l.advice()) }

// UserMessage returns a sentence for the end user about the link.
func (l LinkError) UserMessage() string { return messageOf(l.advice()) }

// Action returns what to do about a product that could not be fetched.
func (e ProductError) Action() Action { return actionOf(e.advice()) }

// UserMessage returns a sentence for the end user about the product.
func (e ProductError) UserMessage() string { return messageOf(e.advice()) }

// Error returns the product error as text, so that a ProductError can be passed to [ActionFor].
func (e ProductError) Error() string { return string(e) }

// Action returns what to do about a call that failed with c. If you have the error, use [ActionFor]
// instead: for [ErrorCodeLinkBadState] the action depends on [Error.LinkError].
func (c ErrorCode) Action() Action { return actionOf(c.advice()) }

// UserMessage returns a sentence for the end user about the failed call.
func (c ErrorCode) UserMessage() string { return messageOf(c.advice()) }

// actionOf returns the action of a, or ActionSupport for the empty advice of an empty code.
func actionOf(a advice) Action {
	if a.action == "" {
		return ActionSupport
	}
	return a.action
}

func messageOf(a advice) string {
	if a.text == "" {
		return saySupport
	}
	return a.text
}

// Action returns what to do about the link in its current state. For one of its products, use
// [ProductError.Action].
func (l Link) Action() Action { return actionForState(l.State, l.Error) }

func actionForState(state LinkState, reason LinkError) Action {
	switch state {
	case LinkStateConnected:
		return ActionNone
	case LinkStateConnecting, LinkStateAwaitingTokenExchange:
		return ActionWait
	case LinkStateDeleted:
		return ActionGone
	case LinkStateError:
		if reason == "" {
			return ErrorCodeLinkBadState.Action()
		}
		return reason.Action()
	}
	return ActionSupport // a state that is newer than this package
}

// ActionForEvent returns what to do about an event. Events arrive late and in any order: before
// asking the user to relink, read the link and use [Link.Action].
func ActionForEvent(event Event) Action {
	switch e := event.(type) {
	case *LinkStateChanged:
		return actionForState(e.State, e.Error)
	case *ProductRefreshed:
		switch e.State {
		case ProductStateFailed:
			return ActionRetry
		case ProductStatePending, ProductStateInProgress:
			return ActionWait
		case ProductStateCompleted:
		}
	}
	return ActionNone
}
