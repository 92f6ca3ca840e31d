package control

import (
	"reflect"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// choices returns the values of a type that has few, nil for any other type.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[moneykit.LinkError]():
		return texts(
			moneykit.LinkErrorAuthExpired, moneykit.LinkErrorIncomplete, moneykit.LinkErrorInstitutionError,
			moneykit.LinkErrorInvalidCredentials, moneykit.LinkErrorNoAccounts, moneykit.LinkErrorProviderError,
			moneykit.LinkErrorSystemError, moneykit.LinkErrorUserError, moneykit.LinkErrorUserInputIncorrect,
			moneykit.LinkErrorUserOAuthDenied, moneykit.LinkErrorUserSetupRequired,
		)
	case reflect.TypeFor[moneykit.LinkState]():
		return texts(
			moneykit.LinkStateConnected, moneykit.LinkStateConnecting, moneykit.LinkStateError,
			moneykit.LinkStateAwaitingTokenExchange, moneykit.LinkStateDeleted,
		)
	case reflect.TypeFor[moneykit.EventType]():
		return texts(
			moneykit.EventTypeLinkStateChanged, moneykit.EventTypeLinkProductRefresh,
			moneykit.EventTypeTransactionsUpdatesAvailable, moneykit.EventTypeProductStateChanged,
		)
	case reflect.TypeFor[moneykit.ErrorCode]():
		return texts(
			moneykit.ErrorCodeUnauthorized, moneykit.ErrorCodeExpiredAccessToken, moneykit.ErrorCodeRateLimitExceeded,
			moneykit.ErrorCodeValidationFailed, moneykit.ErrorCodeInstitutionNotFound,
			moneykit.ErrorCodeInvalidTokenExchange, moneykit.ErrorCodeLinkSessionForbiddenConfig,
			moneykit.ErrorCodeLinkBadConfig, moneykit.ErrorCodeLinkBadState, moneykit.ErrorCodeLinkDeleted,
			moneykit.ErrorCodeLinkForbiddenAction, moneykit.ErrorCodeLinkNotFound, moneykit.ErrorCodeLinkUnauthorizedAccess,
		)
	case reflect.TypeFor[moneykit.Product]():
		return texts(world.AllProducts()...)
	case reflect.TypeFor[moneykit.Provider]():
		return texts(
			moneykit.ProviderMoneyKit, moneykit.ProviderAkoya, moneykit.ProviderFinicity, moneykit.ProviderMX,
			moneykit.ProviderPlaid, moneykit.ProviderYodlee,
		)
	case reflect.TypeFor[moneykit.ConnectSource]():
		return texts(moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative)
	case reflect.TypeFor[moneykittest.Tampering]():
		return texts(moneykittest.Tamperings()...)
	case reflect.TypeFor[moneykittest.Reset]():
		return []string{"before", "after"}
	}
	return nil
}

func texts[S ~string](values ...S) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}

// choice is a value that a field suggests, and what it means.
type choice struct{ Value, Means string }

// suggestions returns what fields suggest, by the name of the list.
func (s *Server) suggestions() map[string][]choice {
	all := map[string][]choice{}
	for _, operation := range s.Sandbox.API.Operations() {
		all["operations"] = append(all["operations"], choice{Value: operation})
	}
	for _, id := range []string{world.InstantBank, world.CredentialsBank, world.OAuthBank, "chase"} {
		in, _ := world.Lookup(id)
		all["institutions"] = append(all["institutions"], choice{in.ID, in.Name})
	}
	all["durations"] = []choice{{"1h", "an hour"}, {"24h", "a day"}, {"168h", "a week"}, {"720h", "30 days"}}
	return all
}
