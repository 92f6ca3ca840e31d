// Command factcheck compares the OpenAPI document of this module with a reference listing of the
// API, a JSON file that enumerates every operation and schema.
//
//	factcheck OPENAPI_YAML LISTING_JSON
//
// It compares in both directions: methods, paths, operation ids, security, parameters, request
// bodies, success and error statuses with the error codes behind them, schemas, and each facet of
// each property. Schemas are matched by x-upstream-name. The table allowed has the intended
// differences, with reasons. An entry of that table that no longer occurs is also an error.
//
// It prints one line for every difference without an entry, and exits with status 1 if there was
// one. Otherwise it prints what it has compared.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// allowed maps a difference, as [check.differ] words it, to the reason for it.
var allowed = map[string]string{
	"security OAuth2ClientCredentials: the document adds ClientID+ClientSecret": "newer documentation authenticates by two headers",
	"security scheme ClientID: not listed":                                      "newer documentation authenticates by two headers",
	"security scheme ClientSecret: not listed":                                  "newer documentation authenticates by two headers",
	"security HTTPBasic: the document adds none":                                "the form may hold the credentials instead",

	"status 422 api_error.request.validation_failed: inferred": "a request that can be malformed can be refused as such",
	"status 403 link_error.forbidden_action: inferred":         "import_transactions is for imported links",
	"status 404 link_error.not_found: inferred":                "a link that a path names may not exist",
	"status 410 link_error.deleted: inferred":                  "a link that a path names may be deleted",
	"status 429 api_error.rate_limit_exceeded: inferred":       "all endpoints are rate limited",
	"status 422 api_error.request.validation_failed: added":    "next to link_error.bad_state, for the same reason",

	"schema Error: not listed":     "one schema for all error bodies",
	"schema ErrorCode: not listed": "the error codes of all error bodies",
	"error body: folded":           "Error, narrowed by the code in components/responses",
	"union of error bodies: gone":  "components/responses has the codes of each",

	"schema ValidationErrorLocationInner: inline":                       "used once",
	"schema ResponseHandleLinkWebhookEventRequestBodyWebhookPost: gone": "made up by a framework: nobody reads the answer to an event",
	"schema Body: gone": "inline in the request body of the webhook, where it is compared",
	"CustomSandboxAccount.routing_number: pattern is ^[0-9]{9}$, listed none": "it is an ABA routing number",
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: factcheck OPENAPI_YAML LISTING_JSON")
		os.Exit(2)
	}
	doc, err := readYAML(os.Args[1])
	if err == nil {
		var listing object
		if listing, err = readJSON(os.Args[2]); err == nil {
			os.Exit(run(doc, listing))
		}
	}
	fmt.Fprintln(os.Stderr, "factcheck:", err)
	os.Exit(2)
}

// run compares, reports, and returns the exit status.
func run(doc, listing object) int {
	c := newCheck(doc, listing)
	c.general()
	c.operations()
	c.webhooks()
	c.schemas()

	status, excused := 0, 0
	for _, what := range slices.Sorted(maps.Keys(c.found)) {
		if _, ok := allowed[what]; ok {
			excused += c.found[what]
			continue
		}
		fmt.Println(what)
		status = 1
	}
	for _, what := range slices.Sorted(maps.Keys(allowed)) {
		if c.found[what] == 0 {
			fmt.Println("allowed but not found:", what)
			status = 1
		}
	}
	if status != 0 {
		return status
	}
	for _, what := range []string{"operations", "webhooks", "parameters", "schemas", "properties", "enum values"} {
		fmt.Printf("%4d %s\n", c.count[what], what)
	}
	fmt.Printf("%4d differences, all of them allowed:\n", excused)
	for _, what := range slices.Sorted(maps.Keys(allowed)) {
		fmt.Printf("%9d %s (%s)\n", c.found[what], what, allowed[what])
	}
	return 0
}

// An object is a decoded JSON or YAML object.
type object = map[string]any

func readYAML(name string) (doc object, err error) {
	data, err := os.ReadFile(name)
	if err == nil {
		err = yaml.Unmarshal(data, &doc)
	}
	return doc, err
}

func readJSON(name string) (listing object, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // so that numbers print as in YAML
	return listing, d.Decode(&listing)
}
