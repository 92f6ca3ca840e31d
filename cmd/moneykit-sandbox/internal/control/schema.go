package control

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// direction says whether the sandbox decodes or encodes the JSON of a type. It decodes strictly,
// but requires few members. It encodes all members that are not omitted when empty.
type direction bool

const (
	takes direction = false
	gives direction = true
)

// schemas collects the schemas of types as components of the document.
type schemas struct{ components object }

// of returns the schema of the JSON of a type.
func (s *schemas) of(t reflect.Type, way direction) object {
	if schema := scalar(t); schema != nil {
		return schema
	}
	switch t.Kind() {
	case reflect.Pointer: // nil is left out
		return s.of(t.Elem(), way)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem(), way)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem(), way)}
	case reflect.Struct:
		return s.ofStruct(t, way)
	default:
		return object{"type": "string"}
	}
}

// scalar returns the schema of a type whose JSON does not follow from its Go kind, and nil for
// other types.
func scalar(t reflect.Type) object {
	if values := enumeration(t); values != nil {
		return object{"type": "string", "enum": values}
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[moneykit.Timestamp]():
		return object{"type": "string", "description": "a time in a form of ISO 8601, UTC without a zone"}
	case reflect.TypeFor[moneykit.Date]():
		return object{"type": "string", "format": "date"}
	case reflect.TypeFor[moneykit.Decimal]():
		return object{"description": "an exact number", "anyOf": []any{object{"type": "string"}, object{"type": "number"}}}
	case reflect.TypeFor[Duration](), reflect.TypeFor[time.Duration]():
		return object{"type": "string", "description": "a duration such as 90m or 1.5s"}
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[[]byte]():
		return object{"description": "any JSON", "nullable": true}
	case reflect.TypeFor[http.Header]():
		return object{"type": "object", "additionalProperties": object{"type": "array", "items": object{"type": "string"}}}
	case reflect.TypeFor[error]():
		return object{"type": "string"}
	case reflect.TypeFor[moneykit.ConnectError]():
		return object{"type": "object", "additionalProperties": false, "properties": object{
			"error_id": object{"type": "string"}, "displayed_message": object{"type": "string"}, "request_id": object{"type": "string"},
		}}
	}
	return nil
}

// enumeration returns the values of an enumeration, and nil for other types. The list is written by
// hand; a test compares it with the declared values.
func enumeration(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[moneykit.ConnectSource]():
		return texts(moneykit.ConnectWeb, moneykit.ConnectIOS, moneykit.ConnectAndroid, moneykit.ConnectReactNative)
	case reflect.TypeFor[moneykit.LinkState]():
		return texts(moneykit.LinkStateConnecting, moneykit.LinkStateAwaitingTokenExchange, moneykit.LinkStateConnected,
			moneykit.LinkStateError, moneykit.LinkStateDeleted)
	case reflect.TypeFor[moneykit.LinkError]():
		return texts(moneykit.LinkErrorSystemError, moneykit.LinkErrorProviderError, moneykit.LinkErrorInstitutionError,
			moneykit.LinkErrorUserError, moneykit.LinkErrorAuthExpired, moneykit.LinkErrorNoAccounts, moneykit.LinkErrorUserSetupRequired,
			moneykit.LinkErrorInvalidCredentials, moneykit.LinkErrorUserOAuthDenied, moneykit.LinkErrorUserInputIncorrect,
			moneykit.LinkErrorIncomplete)
	case reflect.TypeFor[moneykit.Product]():
		return texts(moneykit.ProductAccounts, moneykit.ProductAccountNumbers, moneykit.ProductIdentity, moneykit.ProductTransactions,
			moneykit.ProductInvestments, moneykit.ProductEnrichment)
	case reflect.TypeFor[moneykit.Provider]():
		return texts(moneykit.ProviderMoneyKit, moneykit.ProviderMX, moneykit.ProviderAkoya, moneykit.ProviderFinicity,
			moneykit.ProviderPlaid, moneykit.ProviderYodlee)
	case reflect.TypeFor[moneykit.EventType]():
		return texts(moneykit.EventTypeLinkStateChanged, moneykit.EventTypeLinkProductRefresh, moneykit.EventTypeProductStateChanged,
			moneykit.EventTypeTransactionsUpdatesAvailable)
	case reflect.TypeFor[moneykit.ErrorCode]():
		return texts(moneykit.ErrorCodeExpiredAccessToken, moneykit.ErrorCodeUnauthorized, moneykit.ErrorCodeRateLimitExceeded,
			moneykit.ErrorCodeValidationFailed, moneykit.ErrorCodeInstitutionNotFound, moneykit.ErrorCodeLinkBadConfig,
			moneykit.ErrorCodeLinkBadState, moneykit.ErrorCodeLinkDeleted, moneykit.ErrorCodeLinkForbiddenAction,
			moneykit.ErrorCodeLinkNotFound, moneykit.ErrorCodeLinkUnauthorizedAccess, moneykit.ErrorCodeLinkSessionForbiddenConfig,
			moneykit.ErrorCodeInvalidTokenExchange)
	case reflect.TypeFor[moneykit.TransactionType]():
		return texts(moneykit.TransactionTypeCredit, moneykit.TransactionTypeDebit)
	case reflect.TypeFor[moneykittest.Tampering]():
		return texts(moneykittest.Tamperings()...)
	case reflect.TypeFor[moneykittest.DeliveryState]():
		return texts(moneykittest.DeliveryPending, moneykittest.DeliveryDone, moneykittest.DeliveryGivenUp)
	case reflect.TypeFor[moneykittest.Reset]():
		return []string{"before", "after"}
	}
	return nil
}

func texts[T ~string](values ...T) []string {
	var all []string
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}

// ofStruct adds the schema of a struct as a component and returns a reference to it. For a struct
// without members, it returns the schema itself.
func (s *schemas) ofStruct(t reflect.Type, way direction) object {
	if t == reflect.TypeFor[none]() {
		return object{"type": "object", "additionalProperties": false}
	}
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if s.components[name] != nil {
		return reference(name)
	}
	properties, required := object{}, []string{}
	schema := object{"type": "object", "properties": properties}
	s.components[name] = schema
	if text := describe(t.Name()); text != "" {
		schema["description"] = text
	}
	for _, f := range Fields(t) {
		properties[f.Name] = s.member(t, f, way)
		if f.Required || way == gives && !f.Omitted {
			required = append(required, f.Name)
		}
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	if way == takes {
		schema["additionalProperties"] = false
	}
	return reference(name)
}

// member returns the schema of a member of a struct.
func (s *schemas) member(t reflect.Type, f Field, way direction) object {
	schema := s.of(f.Type, way)
	if f.Help != "" {
		if schema["$ref"] != nil { // a reference must be the only member of its object
			schema = object{"allOf": []any{schema}}
		}
		schema["description"] = f.Help
	}
	if way == takes && schema["type"] == "string" {
		switch values, isEnum := schema["enum"].([]string); {
		case f.Required && !isEnum:
			schema["minLength"] = 1
		case !f.Required && isEnum:
			schema["enum"] = append([]string{""}, values...) // "" has the same meaning as an absent member
		}
	}
	maps.Copy(schema, bounds(t.Name()+"."+f.Name))
	return schema
}

func reference(name string) object { return object{"$ref": "#/components/schemas/" + name} }
