package control

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

type object = map[string]any

// Document returns the OpenAPI document of the control API.
func Document() []byte {
	paths := object{}
	for _, v := range Verbs() {
		schema := schemaOf(v.Params)
		body := object{"required": len(required(v.Params)) > 0, "content": object{"application/json": object{"schema": schema}}}
		paths["/control/"+v.Name] = object{"post": object{
			"operationId": strings.ReplaceAll(v.Name, "-", "_"), "summary": v.Summary, "requestBody": body,
			"responses": responses(v.Result, "400", "403", "413", "415", "422"),
		}}
	}
	for _, l := range Lists() {
		get := object{
			"operationId": "get_" + strings.ReplaceAll(l.Name, "-", "_"), "summary": l.Summary, "responses": responses(l.Result, "403"),
		}
		if l.Result.Kind() == reflect.Slice {
			get["parameters"] = []any{object{
				"name": "last", "in": "query", "description": "how many of the last items; all if absent",
				"schema": object{"type": "integer", "minimum": 0},
			}}
			get["responses"] = responses(l.Result, "400", "403")
		}
		paths["/control/"+l.Name] = object{"get": get}
	}
	paths["/control/events"] = object{"get": object{
		"operationId": "get_events",
		"summary": "what goes on, as server-sent events: request with a request and why it was refused, delivery with a" +
			" delivery, and change when links or sessions may be others than before",
		"responses": object{
			"200": object{"description": "the stream", "content": object{"text/event-stream": object{"schema": object{"type": "string"}}}},
			"403": refusal(),
		},
	}}
	document := object{
		"openapi": "3.0.3",
		"info": object{
			"title": "moneykit-sandbox control API", "version": "1",
			"description": "What moneykit-sandbox can be told and asked besides the API of MoneyKit. It is not MoneyKit's.",
		},
		"servers": []any{object{"url": "http://localhost:8788"}},
		"paths":   paths,
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil // cannot be: it is maps, lists and strings
	}
	return append(data, '\n')
}

func responses(result reflect.Type, refusals ...string) object {
	all := object{"200": object{"description": "done", "content": object{"application/json": object{"schema": schemaOf(result)}}}}
	for _, status := range refusals {
		all[status] = refusal()
	}
	return all
}

func refusal() object {
	return object{"description": "refused", "content": object{"application/json": object{"schema": object{
		"type": "object", "required": []string{"error_message"}, "properties": object{"error_message": object{"type": "string"}},
	}}}}
}

// required returns the names of the members that parameters need.
func required(params reflect.Type) []string {
	names := []string{}
	for _, f := range Fields(params) {
		if f.Required {
			names = append(names, f.Name)
		}
	}
	return names
}

// schemaOf returns the schema of the JSON of a type.
func schemaOf(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[Duration](), reflect.TypeFor[time.Duration]():
		return object{"type": "string", "description": "a duration such as 90m or 1.5s"}
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[[]byte]():
		return object{"description": "any JSON"}
	case reflect.TypeFor[http.Header]():
		return object{"type": "object", "additionalProperties": object{"type": "array", "items": object{"type": "string"}}}
	case reflect.TypeFor[error]():
		return object{"type": "string"}
	case reflect.TypeFor[moneykittest.Reset]():
		return object{"type": "string", "enum": []string{"", "before", "after"}}
	case reflect.TypeFor[moneykit.ConnectError]():
		return object{"type": "object", "properties": object{
			"error_id": object{"type": "string"}, "displayed_message": object{"type": "string"}, "request_id": object{"type": "string"},
		}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		schema := schemaOf(t.Elem())
		schema["nullable"] = true
		return schema
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return schemaOfStruct(t)
	default:
		return object{"type": "string"}
	}
}

func schemaOfStruct(t reflect.Type) object {
	if t.PkgPath() == reflect.TypeFor[moneykit.Account]().PkgPath() {
		return object{"type": "object", "description": t.Name() + " of MoneyKit's API"}
	}
	properties := object{}
	for _, f := range Fields(t) {
		schema := schemaOf(f.Type)
		if f.Help != "" {
			schema["description"] = f.Help
		}
		properties[f.Name] = schema
	}
	schema := object{"type": "object", "properties": properties}
	if names := required(t); len(names) > 0 {
		schema["required"] = names
	}
	return schema
}
