package control

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

type object = map[string]any

// Document returns the OpenAPI document of the control API.
func Document() []byte {
	schemas := schemas{components: object{"Error": errorSchema()}}
	paths := object{}
	for _, v := range Verbs() {
		paths["/control/"+v.Name] = object{"post": object{
			"operationId": strings.ReplaceAll(v.Name, "-", "_"), "summary": v.Summary,
			"requestBody": object{
				"required": true,
				"content":  jsonContent(object{"schema": schemas.of(v.Params, takes), "example": json.RawMessage(example(v.Name))}),
			},
			"responses": schemas.responses(v.Result, resultOf(v.Result), 400, 403, 413, 415, 422, 500),
		}}
	}
	for _, l := range Lists() {
		get := object{
			"operationId": "get_" + strings.ReplaceAll(l.Name, "-", "_"), "summary": l.Summary,
			"responses": schemas.responses(l.Result, l.Summary, 403, 500),
		}
		if l.Result.Kind() == reflect.Slice {
			get["parameters"] = []any{object{
				"name": "last", "in": "query", "description": "how many of the last items; all if absent",
				"schema": object{"type": "integer", "minimum": 0},
			}}
			get["responses"] = schemas.responses(l.Result, l.Summary, 400, 403, 500)
		}
		paths["/control/"+l.Name] = object{"get": get}
	}
	paths["/control/events"] = object{"get": object{
		"operationId": "get_events",
		"summary":     "what goes on, as server-sent events",
		"description": "The event request has a request, its number and why it was refused, delivery has a webhook that was queued or" +
			" sent, and change says that links or sessions may be others than before. The data are JSON.",
		"responses": object{
			"200": object{
				"description": "the stream, until the client leaves",
				"content":     object{"text/event-stream": object{"schema": object{"type": "string"}}},
			},
			"403": refusal(http.StatusForbidden),
		},
	}}
	document := object{
		"openapi": "3.0.3",
		"info": object{
			"title": "moneykit-sandbox control API", "version": "1",
			"description": "What moneykit-sandbox can be told and asked besides the API of MoneyKit. It is not MoneyKit's.",
		},
		"servers": []any{object{"url": "http://localhost:8788"}},
		"paths":   paths, "components": object{"schemas": schemas.components},
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil // cannot be: it is maps, lists and strings
	}
	return append(data, '\n')
}

func jsonContent(media object) object { return object{"application/json": media} }

// responses returns the responses of an operation: its result, and refusals.
func (s *schemas) responses(result reflect.Type, description string, refusals ...int) object {
	all := object{"200": object{"description": description, "content": jsonContent(object{"schema": s.of(result, gives)})}}
	for _, status := range refusals {
		all[strconv.Itoa(status)] = refusal(status)
	}
	return all
}

// resultOf says what a verb returns.
func resultOf(result reflect.Type) string {
	switch {
	case result == reflect.TypeFor[none]():
		return "done"
	case result.Kind() == reflect.Slice:
		return "all that the verb did"
	}
	return describe(result.Name())
}

func refusal(status int) object {
	description := ""
	switch status {
	case http.StatusBadRequest:
		description = "the body is not the JSON that the verb takes, or last is not a number of items"
	case http.StatusForbidden:
		description = "the request comes from a page of another site, or is for a host that -control-hosts does not name"
	case http.StatusRequestEntityTooLarge:
		description = "the body has more than 8 MiB"
	case http.StatusUnsupportedMediaType:
		description = "the body is not application/json"
	case http.StatusUnprocessableEntity:
		description = "something is missing, unknown or impossible"
	case http.StatusInternalServerError:
		description = "the clock is past the year 9999"
	}
	return object{"description": description, "content": jsonContent(object{"schema": reference("Error")})}
}

func errorSchema() object {
	return object{
		"type": "object", "description": describe("Error"), "required": []string{"error_message"},
		"properties": object{"error_message": object{"type": "string", "description": describe("Error.error_message")}},
	}
}
