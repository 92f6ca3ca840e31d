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
				"name": "last", "in": "query", "description": "limits the list to this number of last items; absent means all",
				"schema": object{"type": "integer", "minimum": 0},
			}}
			get["responses"] = schemas.responses(l.Result, l.Summary, 400, 403, 500)
		}
		paths["/control/"+l.Name] = object{"get": get}
	}
	paths["/control/events"] = object{"get": object{
		"operationId": "get_events",
		"summary":     "stream activity as server-sent events",
		"description": "The event request contains a request, its number and why it was refused. " +
			"The event delivery contains a webhook that was queued or" +
			" sent. The event change means that links or sessions may have changed. All data are JSON.",
		"responses": object{
			"200": object{
				"description": "the stream, which ends when the client disconnects",
				"content":     object{"text/event-stream": object{"schema": object{"type": "string"}}},
			},
			"403": refusal(http.StatusForbidden),
		},
	}}
	document := object{
		"openapi": "3.0.3",
		"info": object{
			"title": "moneykit-sandbox control API", "version": "1",
			"description": "Control a fake MoneyKit and read its state. This API is part of moneykit-sandbox, not of MoneyKit.",
		},
		"servers": []any{object{"url": "http://localhost:8788"}},
		"paths":   paths, "components": object{"schemas": schemas.components},
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil // cannot happen: it consists of maps, lists and strings
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

// resultOf returns the description of a verb's result.
func resultOf(result reflect.Type) string {
	switch {
	case result == reflect.TypeFor[none]():
		return "done"
	case result.Kind() == reflect.Slice:
		return "success, without a result"
	}
	return describe(result.Name())
}

func refusal(status int) object {
	description := ""
	switch status {
	case http.StatusBadRequest:
		description = "the body is not valid JSON for this verb, or last is not a number of items"
	case http.StatusForbidden:
		description = "the request comes from a page of another site, or its host is neither this machine nor one of -control-hosts"
	case http.StatusRequestEntityTooLarge:
		description = "the body has more than 8 MiB"
	case http.StatusUnsupportedMediaType:
		description = "the body is not application/json"
	case http.StatusUnprocessableEntity:
		description = "a value is missing, unknown or not possible"
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
