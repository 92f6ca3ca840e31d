package moneykit

import "errors"

// Action is what to do next about a link, an error or an event.
type Action string

// The actions.
const (
	ActionNone    Action = "none"            // all is well, or it does not concern the link
	ActionWait    Action = "wait"            // the link is being made; look again soon
	ActionRelink  Action = "relink"          // the user goes through Connect again: [LinkSessionsService.Relink]
	ActionUser    Action = "user_at_bank"    // the user must do something at the bank first
	ActionRetry   Action = "retry_later"     // it mends itself; try again later
	ActionGone    Action = "gone"            // it is gone for good; a new link may be made
	ActionSupport Action = "contact_support" // a person must look into it
	ActionFix     Action = "fix_the_program" // the request or the settings are wrong
)

// advice is an action, and what to tell an end user about it.
type advice struct {
	action Action
	text   string
}

// Sentences for end users that fit several codes.
const (
	sayAgain   = "We could not reach your bank. Please try again in a while."
	sayTrouble = "Something went wrong on our side. Please try again later."
	saySupport = "Something went wrong. Please contact us."
	sayGone    = "This connection to your bank has ended. You can connect your bank again."
)

// Action says what to do next about a link, as far as its state shows it. For one of its products
// ask [ProductError.Action].
func (l *Link) Action() Action { return actionForState(l.State, l.Error) }

func actionForState(state LinkState, reason LinkError) Action {
	switch state {
	case LinkStateConnected:
		return ActionNone
	case LinkStateConnecting, LinkStateAwaitingTokenExchange:
		return ActionWait
	case LinkStateDeleted:
		return ActionGone
	case LinkStateError:
		return reason.Action()
	}
	return ActionSupport // a state that is newer than this package
}

// Action says what to do about a link in state error.
func (l LinkError) Action() Action { return l.advice().action }

// UserMessage is a sentence for the end user.
func (l LinkError) UserMessage() string { return l.advice().text }

func (l LinkError) advice() advice {
	switch l {
	case LinkErrorAuthExpired:
		return advice{ActionRelink, "Your bank wants you to log in again. Please reconnect your bank."}
	case LinkErrorInvalidCredentials:
		return advice{ActionRelink, "Your bank did not accept your login. Please reconnect your bank with your current user name and password."}
	case LinkErrorUserOAuthDenied:
		return advice{ActionRelink, "You did not permit access at your bank. Please reconnect your bank, and permit access there."}
	case LinkErrorUserInputIncorrect:
		return advice{ActionRelink, "Something that you entered was not right. Please reconnect your bank."}
	case LinkErrorUserError:
		return advice{ActionRelink, "Connecting your bank was not finished. Please try again."}
	case LinkErrorIncomplete:
		return advice{ActionRelink, "Your bank needs one more step from you. Please reconnect your bank to finish."}
	case LinkErrorUserSetupRequired:
		return advice{ActionUser, "Your bank asks you to do something first. Please log in at your bank's website or app, and then reconnect your bank."}
	case LinkErrorNoAccounts:
		return advice{ActionUser, "We found no suitable account at your bank. Please check which accounts you have there, or connect another bank."}
	case LinkErrorInstitutionError:
		return advice{ActionRetry, "Your bank has a problem at the moment. Please try again later."}
	case LinkErrorProviderError, LinkErrorSystemError:
		return advice{ActionRetry, sayAgain}
	}
	return advice{ActionSupport, saySupport}
}

// Action says what to do about a product that could not be fetched.
func (e ProductError) Action() Action { return e.advice().action }

// UserMessage is a sentence for the end user.
func (e ProductError) UserMessage() string { return e.advice().text }

func (e ProductError) advice() advice {
	switch e {
	case ProductErrorAuthExpired:
		return LinkErrorAuthExpired.advice()
	case ProductErrorNoPermission:
		return advice{ActionRelink, "You have not permitted this yet. Please reconnect your bank, and permit it there."}
	case ProductErrorNoAccounts:
		return LinkErrorNoAccounts.advice()
	case ProductErrorNotSupported:
		return advice{ActionNone, "Your bank does not offer this."}
	case ProductErrorInstitutionError:
		return LinkErrorInstitutionError.advice()
	case ProductErrorRateLimit, ProductErrorTimeout, ProductErrorUnknown:
		return advice{ActionRetry, sayAgain}
	}
	return advice{ActionSupport, saySupport}
}

// Action says what to do about a call that failed with c. [ActionFor] knows more: with
// [ErrorCodeLinkBadState] the link's own error decides.
func (c ErrorCode) Action() Action { return c.advice().action }

// UserMessage is a sentence for the end user.
func (c ErrorCode) UserMessage() string { return c.advice().text }

func (c ErrorCode) advice() advice {
	switch c {
	case ErrorCodeRateLimitExceeded:
		return advice{ActionRetry, "That was a little too often. Please try again in a minute."}
	case ErrorCodeExpiredAccessToken:
		return advice{ActionRetry, sayTrouble}
	case ErrorCodeLinkBadState:
		return advice{ActionRelink, "The connection to your bank does not work at the moment. Please reconnect your bank."}
	case ErrorCodeLinkDeleted, ErrorCodeLinkNotFound:
		return advice{ActionGone, sayGone}
	case ErrorCodeLinkForbiddenAction:
		return ProductErrorNoPermission.advice()
	case ErrorCodeInvalidTokenExchange:
		return advice{ActionGone, "Connecting your bank took too long, or was finished before. Please start again."}
	case ErrorCodeInstitutionNotFound:
		return advice{ActionNone, "We do not know this bank."}
	case ErrorCodeUnauthorized, ErrorCodeLinkUnauthorizedAccess, ErrorCodeLinkSessionForbiddenConfig,
		ErrorCodeLinkBadConfig, ErrorCodeValidationFailed:
		return advice{ActionFix, sayTrouble}
	}
	return advice{ActionSupport, saySupport}
}

// ActionFor says what to do about an error of this package: [ActionNone] for nil and for
// [ErrRelinkNotNeeded], [ActionRelink] where the user must go through Connect again, and so on.
// About an error that it does not know it says [ActionRetry].
func ActionFor(err error) Action { return adviceFor(err).action }

// UserMessage returns a sentence for the end user about an error of this package, "" for nil.
func UserMessage(err error) string { return adviceFor(err).text }

func adviceFor(err error) advice {
	var e *Error
	var exit *ConnectError
	switch {
	case err == nil:
		return advice{ActionNone, ""}
	case errors.Is(err, ErrRelinkNotNeeded):
		return advice{ActionNone, "Your bank is connected."}
	case errors.Is(err, ErrLinkConnecting):
		return advice{ActionWait, "Your bank is being connected. This may take a few minutes."}
	case errors.Is(err, ErrLinkNotOwned):
		return ErrorCodeLinkNotFound.advice()
	case errors.As(err, &exit):
		return LinkErrorUserError.advice()
	case errors.Is(err, ErrConnectExited):
		return LinkErrorUserError.advice()
	case !errors.As(err, &e):
		return advice{ActionRetry, sayTrouble}
	case e.LinkError != "":
		return e.LinkError.advice()
	case e.Code != "":
		return e.Code.advice()
	case errors.Is(e, ErrRateLimited):
		return ErrorCodeRateLimitExceeded.advice()
	case errors.Is(e, ErrLinkDeleted), errors.Is(e, ErrNotFound):
		return ErrorCodeLinkNotFound.advice()
	case errors.Is(e, ErrUnauthorized), errors.Is(e, ErrForbidden):
		return ErrorCodeUnauthorized.advice()
	}
	return advice{ActionRetry, sayTrouble}
}

// ActionForEvent says what to do about an event. Events come late and in any order: before asking
// the user to relink, read the link and ask [Link.Action].
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
