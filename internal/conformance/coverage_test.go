package conformance

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// This file says which answers are to be seen, so that none can be dropped unnoticed.

// Why an answer is seen only when it is planned with moneykittest's Fail.
const (
	byItself      = "" // it is seen without
	oneApp        = "there is one application, so a link is never another's"
	noLimit       = "MoneyKit publishes no number for it"
	alwaysThere   = "a link can be read in every state, also when it is deleted"
	alwaysGoes    = "a link can be deleted in every state"
	nothingToSend = "the request has nothing that could be malformed"
)

// answers are those that the document declares for the operations of the SDK.
var answers = map[answer]string{
	{"create_access_token", 201, ""}:                              byItself,
	{"create_access_token", 400, "api_error.auth.unauthorized"}:   byItself,
	{"create_access_token", 401, "api_error.auth.unauthorized"}:   byItself,
	{"create_access_token", 429, "api_error.rate_limit_exceeded"}: byItself,

	{"instrospect_client", 200, ""}:                                    byItself,
	{"instrospect_client", 401, "api_error.auth.expired_access_token"}: byItself,
	{"instrospect_client", 401, "api_error.auth.unauthorized"}:         byItself,
	{"instrospect_client", 429, "api_error.rate_limit_exceeded"}:       noLimit,

	{"create_link_session", 201, ""}:                                    byItself,
	{"create_link_session", 401, "api_error.auth.expired_access_token"}: byItself,
	{"create_link_session", 401, "api_error.auth.unauthorized"}:         byItself,
	{"create_link_session", 403, "link_session_error.forbidden_config"}: byItself,
	{"create_link_session", 422, "api_error.request.validation_failed"}: byItself,
	{"create_link_session", 429, "api_error.rate_limit_exceeded"}:       byItself,

	{"exchange_token", 201, ""}: byItself,
	{"exchange_token", 400, "link_session_error.invalid_token_exchange"}: byItself,
	{"exchange_token", 401, "api_error.auth.expired_access_token"}:       byItself,
	{"exchange_token", 401, "api_error.auth.unauthorized"}:               byItself,
	{"exchange_token", 422, "api_error.request.validation_failed"}:       byItself,
	{"exchange_token", 429, "api_error.rate_limit_exceeded"}:             noLimit,

	{"get_link", 200, ""}: byItself,
	{"get_link", 401, "api_error.auth.expired_access_token"}: byItself,
	{"get_link", 401, "api_error.auth.unauthorized"}:         byItself,
	{"get_link", 401, "link_error.unauthorized_access"}:      oneApp,
	{"get_link", 403, "link_error.forbidden_action"}:         alwaysThere,
	{"get_link", 404, "link_error.not_found"}:                byItself,
	{"get_link", 410, "link_error.deleted"}:                  alwaysThere,
	{"get_link", 422, "link_error.bad_state"}:                alwaysThere,
	{"get_link", 422, "api_error.request.validation_failed"}: nothingToSend,
	{"get_link", 429, "api_error.rate_limit_exceeded"}:       byItself,

	{"delete_link", 204, ""}:                                    byItself,
	{"delete_link", 401, "api_error.auth.expired_access_token"}: byItself,
	{"delete_link", 401, "api_error.auth.unauthorized"}:         byItself,
	{"delete_link", 401, "link_error.unauthorized_access"}:      oneApp,
	{"delete_link", 403, "link_error.forbidden_action"}:         alwaysGoes,
	{"delete_link", 404, "link_error.not_found"}:                byItself,
	{"delete_link", 410, "link_error.deleted"}:                  byItself,
	{"delete_link", 422, "link_error.bad_state"}:                alwaysGoes,
	{"delete_link", 422, "api_error.request.validation_failed"}: nothingToSend,
	{"delete_link", 429, "api_error.rate_limit_exceeded"}:       byItself,

	{"get_accounts", 200, ""}:                                    byItself,
	{"get_accounts", 401, "api_error.auth.expired_access_token"}: byItself,
	{"get_accounts", 401, "api_error.auth.unauthorized"}:         byItself,
	{"get_accounts", 401, "link_error.unauthorized_access"}:      oneApp,
	{"get_accounts", 403, "link_error.forbidden_action"}:         byItself,
	{"get_accounts", 404, "link_error.not_found"}:                byItself,
	{"get_accounts", 410, "link_error.deleted"}:                  byItself,
	{"get_accounts", 422, "link_error.bad_state"}:                byItself,
	{"get_accounts", 422, "api_error.request.validation_failed"}: nothingToSend,
	{"get_accounts", 429, "api_error.rate_limit_exceeded"}:       byItself,
}

func TestExchanges(t *testing.T) {
	t.Parallel()
	var alone, forced tally
	t.Run("scenarios", func(t *testing.T) { // it ends when all in it have
		for name, run := range map[string]func(*testing.T, *tally){
			"flows": flows, "authentication": authentication, "tokens": tokens, "sessions": sessions,
			"malformed": malformed, "links": links, "accounts": accounts, "limits": limits,
		} {
			t.Run(name, func(t *testing.T) { run(t, &alone) })
		}
		t.Run("planned", func(t *testing.T) { planned(t, &forced) })
	})
	for a, why := range answers {
		seen := alone.seen[a]
		if why != byItself {
			assert.Zero(t, seen, "%v is seen by itself", a)
			seen = forced.seen[a]
		}
		assert.Positive(t, seen, "%v is not seen", a)
	}
	for a := range alone.seen {
		assert.Contains(t, answers, a)
	}
	t.Log(len(answers), "answers, seen by themselves:", alone.seen)
}

// TestAnswersAreDeclared holds the table to the document, both ways.
func TestAnswersAreDeclared(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	var declared []answer
	for _, op := range operations() {
		for status, response := range o.operation(t, op.id).Responses.Map() {
			n, err := strconv.Atoi(status)
			require.NoError(t, err)
			if n < 400 {
				declared = append(declared, answer{op.id, n, ""})
				continue
			}
			for _, part := range response.Value.Content["application/json"].Schema.Value.AllOf {
				if code := part.Value.Properties["error_code"]; code != nil {
					for _, value := range code.Value.Enum {
						declared = append(declared, answer{op.id, n, value.(string)})
					}
				}
			}
		}
	}
	assert.ElementsMatch(t, declared, slices.Collect(maps.Keys(answers)))
}

// TestOperations wants all operations of the document to have their method, and to be covered.
func TestOperations(t *testing.T) {
	t.Parallel()
	o, err := theOracle()
	require.NoError(t, err)
	var declared, covered []string
	for path, item := range o.doc.Paths.Map() {
		for method, op := range item.Operations() {
			declared = append(declared, op.OperationID)
			require.IsType(t, "", op.Extensions["x-go-method"], "%s %s", method, path)
			service, name, _ := strings.Cut(op.Extensions["x-go-method"].(string), ".")
			field, ok := reflect.TypeFor[moneykit.Client]().FieldByName(service)
			require.True(t, ok, service)
			_, ok = field.Type.MethodByName(name)
			assert.True(t, ok, "%s.%s", service, name)
		}
	}
	for _, op := range operations() {
		covered = append(covered, op.id)
	}
	for _, op := range unservedOperations() {
		covered = append(covered, op.id)
	}
	assert.ElementsMatch(t, declared, covered)
}
