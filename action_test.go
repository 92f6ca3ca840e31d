package moneykit_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// generated returns the values of an enumeration in types.gen.go.
func generated[T ~string](t *testing.T) []T {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "types.gen.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	name := fmt.Sprintf("%T", T(""))[len("moneykit."):]
	var values []T
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			if kind, ok := constant.Type.(*ast.Ident); !ok || kind.Name != name {
				continue
			}
			for _, value := range constant.Values {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				require.NoError(t, err)
				values = append(values, T(text))
			}
		}
	}
	require.NotEmpty(t, values, name)
	return values
}

// linkActions returns the expected action for each LinkError.
func linkActions() map[moneykit.LinkError]moneykit.Action {
	return map[moneykit.LinkError]moneykit.Action{
		moneykit.LinkErrorAuthExpired:        moneykit.ActionRelink,
		moneykit.LinkErrorIncomplete:         moneykit.ActionRelink,
		moneykit.LinkErrorInvalidCredentials: moneykit.ActionRelink,
		moneykit.LinkErrorUserError:          moneykit.ActionRelink,
		moneykit.LinkErrorUserInputIncorrect: moneykit.ActionRelink,
		moneykit.LinkErrorUserOAuthDenied:    moneykit.ActionRelink,
		moneykit.LinkErrorNoAccounts:         moneykit.ActionUser,
		moneykit.LinkErrorUserSetupRequired:  moneykit.ActionUser,
		moneykit.LinkErrorInstitutionError:   moneykit.ActionRetry,
		moneykit.LinkErrorProviderError:      moneykit.ActionRetry,
		moneykit.LinkErrorSystemError:        moneykit.ActionRetry,
	}
}

func productActions() map[moneykit.ProductError]moneykit.Action {
	return map[moneykit.ProductError]moneykit.Action{
		moneykit.ProductErrorAuthExpired:      moneykit.ActionRelink,
		moneykit.ProductErrorNoPermission:     moneykit.ActionRelink,
		moneykit.ProductErrorNoAccounts:       moneykit.ActionUser,
		moneykit.ProductErrorNotSupported:     moneykit.ActionNone,
		moneykit.ProductErrorInstitutionError: moneykit.ActionRetry,
		moneykit.ProductErrorRateLimit:        moneykit.ActionRetry,
		moneykit.ProductErrorTimeout:          moneykit.ActionRetry,
		moneykit.ProductErrorUnknown:          moneykit.ActionRetry,
	}
}

func codeActions() map[moneykit.ErrorCode]moneykit.Action {
	return map[moneykit.ErrorCode]moneykit.Action{
		moneykit.ErrorCodeExpiredAccessToken:         moneykit.ActionRetry,
		moneykit.ErrorCodeRateLimitExceeded:          moneykit.ActionRetry,
		moneykit.ErrorCodeLinkBadState:               moneykit.ActionRelink,
		moneykit.ErrorCodeLinkForbiddenAction:        moneykit.ActionRelink,
		moneykit.ErrorCodeInvalidTokenExchange:       moneykit.ActionGone,
		moneykit.ErrorCodeLinkDeleted:                moneykit.ActionGone,
		moneykit.ErrorCodeLinkNotFound:               moneykit.ActionGone,
		moneykit.ErrorCodeInstitutionNotFound:        moneykit.ActionNone,
		moneykit.ErrorCodeLinkBadConfig:              moneykit.ActionFix,
		moneykit.ErrorCodeLinkSessionForbiddenConfig: moneykit.ActionFix,
		moneykit.ErrorCodeLinkUnauthorizedAccess:     moneykit.ActionFix,
		moneykit.ErrorCodeUnauthorized:               moneykit.ActionFix,
		moneykit.ErrorCodeValidationFailed:           moneykit.ActionFix,
	}
}

func stateActions() map[moneykit.LinkState]moneykit.Action {
	return map[moneykit.LinkState]moneykit.Action{
		moneykit.LinkStateConnected:             moneykit.ActionNone,
		moneykit.LinkStateConnecting:            moneykit.ActionWait,
		moneykit.LinkStateAwaitingTokenExchange: moneykit.ActionWait,
		moneykit.LinkStateDeleted:               moneykit.ActionGone,
		moneykit.LinkStateError:                 moneykit.ActionRelink, // without a reason
	}
}

// advising is an enumeration with advice.
type advising interface {
	~string
	Action() moneykit.Action
	UserMessage() string
}

// advises checks that each value of an enumeration has the action of a table and a message.
func advises[T advising](t *testing.T, wanted map[T]moneykit.Action) {
	t.Helper()
	assert.ElementsMatch(t, generated[T](t), slices.Collect(maps.Keys(wanted)), "a value without action, or an action without value")
	for value, action := range wanted {
		assert.Equal(t, action, value.Action(), value)
		assert.NotEqual(t, moneykit.ActionSupport, value.Action(), value)
		speaksToUsers(t, value.UserMessage())
		assert.NotContains(t, value.UserMessage(), string(value))
	}
	for _, unknown := range []T{"", "brand_new", "brand.new"} {
		assert.Equal(t, moneykit.ActionSupport, unknown.Action())
		speaksToUsers(t, unknown.UserMessage())
	}
}

// speaksToUsers checks that a text is made of sentences for end users.
func speaksToUsers(t *testing.T, text string) {
	t.Helper()
	assert.Regexp(t, `^[A-Z].*[a-z]\.$`, text)
	assert.LessOrEqual(t, utf8.RuneCountInString(text), 160, text)
	for _, jargon := range []string{
		`_`, `\d`, `/`, `%`, `\n`, `[a-z]\.[a-z]`, // codes, statuses, URLs
		`(?i)\b(token|secret|credentials?|api|key|oauth|session|link|http\w*|status|moneykit|null|nil)\b`,
	} {
		assert.NotRegexp(t, jargon, text)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	advises(t, linkActions())
	advises(t, productActions())
	advises(t, codeActions())
}

func TestLinkAction(t *testing.T) {
	t.Parallel()
	states := stateActions()
	assert.ElementsMatch(t, generated[moneykit.LinkState](t), slices.Collect(maps.Keys(states)))
	for state, want := range states {
		assert.Equal(t, want, (&moneykit.Link{State: state}).Action(), state)
		// A reason matters only in state error.
		link := moneykit.Link{State: state, Error: moneykit.LinkErrorAuthExpired}
		if state == moneykit.LinkStateError {
			want = moneykit.ActionRelink
		}
		assert.Equal(t, want, link.Action(), state)
	}
	for reason, want := range linkActions() {
		assert.Equal(t, want, (&moneykit.Link{State: moneykit.LinkStateError, Error: reason}).Action(), reason)
	}
	assert.Equal(t, moneykit.ActionSupport, (&moneykit.Link{}).Action())
	assert.Equal(t, moneykit.ActionSupport, (&moneykit.Link{State: "brand_new"}).Action())
	assert.Equal(t, moneykit.ActionSupport, (&moneykit.Link{State: moneykit.LinkStateError, Error: "brand_new"}).Action())
}

// TestErrRelinkRequiredMeansActionRelink checks that errors with ActionRelink match
// ErrRelinkRequired, and no others.
func TestErrRelinkRequiredMeansActionRelink(t *testing.T) {
	t.Parallel()
	for _, reason := range append(generated[moneykit.LinkError](t), "", "brand_new") {
		err := &moneykit.Error{Code: moneykit.ErrorCodeLinkBadState, LinkError: reason}
		required := errors.Is(err, moneykit.ErrRelinkRequired)
		assert.Equal(t, required, moneykit.ActionFor(err) == moneykit.ActionRelink, reason)
		if reason != "" { // Without a reason the code alone decides.
			assert.Equal(t, required, reason.Action() == moneykit.ActionRelink, reason)
			assert.Equal(t, required, errors.Is(&moneykit.Error{LinkError: reason}, moneykit.ErrRelinkRequired), reason)
			assert.Equal(t, required, errors.Is(reason, moneykit.ErrRelinkRequired), reason)
		}
	}
}

func TestActionFor(t *testing.T) {
	t.Parallel()
	type failure = moneykit.Error
	tests := map[string]struct {
		err  error
		want moneykit.Action
	}{
		"not needed":        {moneykit.ErrRelinkNotNeeded, moneykit.ActionNone},
		"another's":         {moneykit.ErrLinkNotOwned, moneykit.ActionGone},
		"left":              {moneykit.ErrConnectExited, moneykit.ActionNone},
		"left with error":   {fmt.Errorf("%w: %w", moneykit.ErrConnectExited, &moneykit.ConnectError{ID: "x"}), moneykit.ActionNone},
		"only the error":    {&moneykit.ConnectError{}, moneykit.ActionNone},
		"somebody's":        {errors.New("link_error.deleted"), moneykit.ActionRetry},
		"incomplete":        {io.ErrUnexpectedEOF, moneykit.ActionRetry},
		"cancelled":         {context.Canceled, moneykit.ActionRetry},
		"out of time":       {context.DeadlineExceeded, moneykit.ActionRetry},
		"an empty error":    {&failure{}, moneykit.ActionRetry},
		"no response":       {&failure{Message: "the connection broke"}, moneykit.ActionRetry},
		"a proxy's 404":     {&failure{StatusCode: http.StatusNotFound}, moneykit.ActionRetry},
		"a proxy's 410":     {&failure{StatusCode: http.StatusGone}, moneykit.ActionRetry},
		"404 without code":  {&failure{StatusCode: http.StatusNotFound, Message: "None."}, moneykit.ActionRetry},
		"410 without code":  {&failure{StatusCode: http.StatusGone, Message: "Gone."}, moneykit.ActionRetry},
		"401 without code":  {&failure{StatusCode: http.StatusUnauthorized}, moneykit.ActionFix},
		"403 without code":  {&failure{StatusCode: http.StatusForbidden}, moneykit.ActionFix},
		"429 without code":  {&failure{StatusCode: http.StatusTooManyRequests}, moneykit.ActionRetry},
		"500":               {&failure{StatusCode: http.StatusInternalServerError}, moneykit.ActionRetry},
		"an unknown code":   {&failure{StatusCode: http.StatusConflict, Code: "brand_new"}, moneykit.ActionSupport},
		"no reason":         {&failure{Code: moneykit.ErrorCodeLinkBadState}, moneykit.ActionRelink},
		"an unknown reason": {&failure{Code: moneykit.ErrorCodeLinkBadState, LinkError: "brand_new"}, moneykit.ActionSupport},
		"a reason alone":    {&failure{LinkError: moneykit.LinkErrorNoAccounts}, moneykit.ActionUser},
		"a reason and another code": {&failure{
			Code: moneykit.ErrorCodeLinkBadState, LinkError: moneykit.LinkErrorInstitutionError,
		}, moneykit.ActionRetry},
	}
	for code, want := range codeActions() {
		tests[string(code)] = struct {
			err  error
			want moneykit.Action
		}{&failure{Code: code}, want}
	}
	for reason, want := range linkActions() {
		tests[string(reason)] = struct {
			err  error
			want moneykit.Action
		}{&failure{Code: moneykit.ErrorCodeLinkBadState, LinkError: reason}, want}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{
				tt.err, fmt.Errorf("reading a link: %w", tt.err), errors.Join(tt.err, errors.New("besides")),
				fmt.Errorf("%w, and %w", errors.New("before"), fmt.Errorf("deep: %w", tt.err)),
			} {
				assert.Equal(t, tt.want, moneykit.ActionFor(err))
				speaksToUsers(t, moneykit.UserMessage(err))
				assert.Equal(t, moneykit.UserMessage(tt.err), moneykit.UserMessage(err))
			}
		})
	}
	assert.Equal(t, moneykit.ActionNone, moneykit.ActionFor(nil))
	assert.Empty(t, moneykit.UserMessage(nil))
}

// TestActionForJoinedErrors expects the action of the most specific error.
func TestActionForJoinedErrors(t *testing.T) {
	t.Parallel()
	down := &moneykit.Error{StatusCode: http.StatusServiceUnavailable}
	deleted := &moneykit.Error{Code: moneykit.ErrorCodeLinkDeleted}
	for _, tt := range []struct {
		err  error
		want moneykit.Action
	}{
		{fmt.Errorf("%w: %w", moneykit.ErrLinkNotOwned, down), moneykit.ActionGone},
		{errors.Join(down, deleted), moneykit.ActionGone},
		{errors.Join(down, moneykit.ErrLinkDeleted), moneykit.ActionGone},
		{errors.Join(deleted, down), moneykit.ActionGone},
		{errors.Join(deleted, moneykit.ErrRateLimited), moneykit.ActionGone},
		{errors.Join(moneykit.LinkErrorAuthExpired, moneykit.ErrLinkDeleted), moneykit.ActionGone},
		{errors.Join(moneykit.ErrorCodeValidationFailed, moneykit.ErrRelinkRequired), moneykit.ActionRelink},
		{errors.Join(errors.New("besides"), down), moneykit.ActionRetry},
		{(*moneykit.Error)(nil), moneykit.ActionNone},
		{fmt.Errorf("reading: %w", (*moneykit.Error)(nil)), moneykit.ActionNone},
	} {
		assert.Equal(t, tt.want, moneykit.ActionFor(tt.err), "%v", tt.err)
	}
}

// TestActionForLostExchange checks that the cause of a lost response does not change the action.
func TestActionForLostExchange(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", answers(http.StatusBadGateway, ""))
	_, err := newClient(t, mock).LinkSessions.Exchange(t.Context(), finishDecoy)
	require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
	assert.Equal(t, moneykit.ActionRetry, moneykit.ActionFor(err))
}

func TestActionForEvent(t *testing.T) {
	t.Parallel()
	for state, want := range stateActions() {
		assert.Equal(t, want, moneykit.ActionForEvent(&moneykit.LinkStateChanged{State: state}), state)
	}
	for reason, want := range linkActions() {
		event := &moneykit.LinkStateChanged{State: moneykit.LinkStateError, Error: reason}
		assert.Equal(t, want, moneykit.ActionForEvent(event), reason)
	}
	products := map[moneykit.ProductState]moneykit.Action{
		moneykit.ProductStateCompleted:  moneykit.ActionNone,
		moneykit.ProductStatePending:    moneykit.ActionWait,
		moneykit.ProductStateInProgress: moneykit.ActionWait,
		moneykit.ProductStateFailed:     moneykit.ActionRetry,
	}
	assert.ElementsMatch(t, generated[moneykit.ProductState](t), slices.Collect(maps.Keys(products)))
	for state, want := range products {
		assert.Equal(t, want, moneykit.ActionForEvent(&moneykit.ProductRefreshed{State: state}), state)
	}
	for _, tt := range []struct {
		event moneykit.Event
		want  moneykit.Action
	}{
		{nil, moneykit.ActionNone},
		{&moneykit.UnknownEvent{}, moneykit.ActionNone},
		{&moneykit.TransactionsAvailable{HasHistory: true}, moneykit.ActionNone},
		{&moneykit.ProductRefreshed{State: "brand_new"}, moneykit.ActionNone},
		{&moneykit.LinkStateChanged{State: "brand_new"}, moneykit.ActionSupport},
		{&moneykit.LinkStateChanged{State: moneykit.LinkStateError, Error: "brand_new"}, moneykit.ActionSupport},
	} {
		assert.Equal(t, tt.want, moneykit.ActionForEvent(tt.event), "%T", tt.event)
	}
}
