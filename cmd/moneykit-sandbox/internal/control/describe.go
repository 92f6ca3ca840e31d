package control

// describe says what a type is, or a member of one as TYPE.MEMBER, in the JSON of the control API.
// It returns "" for what is described elsewhere: by tags, or by the API of MoneyKit.
func describe(name string) string {
	return map[string]string{
		"Error":               "why a request was refused",
		"Error.error_message": "a sentence for people",

		"State":                    "the sandbox as a whole",
		"State.version":            "version of the module that the program was built from",
		"State.api":                "URL of the API, which is the host of Connect, too",
		"State.control":            "URL of the control API and its page",
		"State.client_id":          "id that clients have",
		"State.client_secret":      "secret that clients have",
		"State.ca":                 "file with the certificate of the CA",
		"State.state":              "file with the state",
		"State.now":                "the time by the clock of the sandbox",
		"State.advance":            "how far the clock is ahead",
		"State.links":              "number of links",
		"State.sessions":           "number of link sessions",
		"State.requests":           "number of requests to the API, with those that are not remembered",
		"State.deliveries":         "number of webhooks",
		"State.pending_deliveries": "number of webhooks that will be sent, or sent again",

		"Link":             "a link, as it is now",
		"Link.id":          "id of the link",
		"Link.user_id":     "id that the application gave the user",
		"Link.institution": "name of the institution",
		"Link.state":       "state of the link",
		"Link.error":       "why the link is in the state error",
		"Link.webhook":     "URL to which webhooks of the link go",
		"Link.products":    "products that the link has",
		"Link.accounts":    "number of accounts",
		"Link.created_at":  "when the link was made, by the clock of the sandbox",

		"Session":                    "a link session",
		"Session.link_session_token": "token with which Connect is started",
		"Session.user_id":            "id that the application gave the user",
		"Session.institution":        "name of the institution, once it is chosen",
		"Session.existing_link_id":   "id of the link that the session connects again",
		"Session.screen":             "screen of Connect, once it is open",
		"Session.used":               "whether Connect was opened with it",
		"Session.over":               "whether Connect has ended",
		"Session.created_at":         "when the session was opened, by the clock of the sandbox",

		"TestUser":          "a user of the test banks",
		"TestUser.username": "name to sign in with",
		"TestUser.password": "password to sign in with",
		"TestUser.does":     "what happens to the user",

		"Received":           "a request to the API; [redacted] stands for secrets and personal data",
		"Received.number":    "counts the requests, from 1",
		"Received.refusal":   "why the request was refused",
		"Received.operation": "id of the operation in the API, empty if there is none",
		"Received.method":    "HTTP method",
		"Received.path":      "path, as it was requested",
		"Received.query":     "parameters of the query",
		"Received.header":    "header fields",
		"Received.body":      "JSON body, or another body as text",
		"Received.status":    "status of the response, absent if there was none",
		"Received.at":        "when the request came, by the clock of the sandbox",

		"Delivery":                 "a webhook that is sent, or was sent",
		"Delivery.token":           "MoneyKit-Delivery-Token of its requests",
		"Delivery.event":           "webhook_event of the body",
		"Delivery.link_id":         "id of the link",
		"Delivery.idempotency_key": "webhook_idempotency_key of the body",
		"Delivery.url":             "webhook of the link when the event happened",
		"Delivery.body":            "JSON body",
		"Delivery.queued_at":       "when the event happened, by the clock of the sandbox",
		"Delivery.state":           "how far the delivery has got",
		"Delivery.attempts":        "requests that were made, the first is MoneyKit-Delivery-Attempt 1",
		"Delivery.next":            "when the next request is due, absent if there will be none",

		"DeliveryAttempt":        "one request to a webhook",
		"DeliveryAttempt.at":     "when it was made, by the clock of the sandbox",
		"DeliveryAttempt.status": "status of the response, absent if there was none",
		"DeliveryAttempt.error":  "why there was no response",

		"played":                    "how Connect ended",
		"played.result":             "what Connect calls the front end back with, in the form of its platform and version",
		"played.events":             "what Connect called the event callback with, in order",
		"played.exchangeable_token": "what the application exchanges for the link",
		"played.link_id":            "id of the link",

		"authorized":            "where the user is",
		"authorized.return_url": "the URL to which the bank sends the user back, empty if Connect ended before",

		"triggered":       "the webhook that is sent",
		"triggered.token": "MoneyKit-Delivery-Token of its requests",

		"webhook":        "a request that is for the caller to send",
		"webhook.method": "HTTP method",
		"webhook.url":    "URL to send it to",
		"webhook.header": "header fields",
		"webhook.body":   "body, byte for byte",

		"advanced":     "the clock",
		"advanced.now": "the time by the clock of the sandbox",

		"Play":              "what a user does in Connect; nothing means to link all accounts",
		"Play.institution":  "id of the bank that the user chooses, if the link session does not",
		"Play.username":     "name to sign in with, one of the test users; user_good if empty",
		"Play.accounts":     "types of the accounts that the user shares, such as depository.checking; all if empty",
		"Play.new_accounts": "accounts that the user has besides those that are made up",
		"Play.decline":      "products that the user does not permit",
		"Play.provider":     "how MoneyKit reaches the bank from now on",
		"Play.failure":      "why the bank does not let the user in",
		"Play.exit":         "error with which Connect ends",
		"Play.leave":        "the user closes Connect",
		"Play.version":      "version of Connect, such as 0.3.28 for the web; the one that the sandbox prefers if empty",

		"LinkSpec":                "a link",
		"LinkSpec.user_id":        "id that the application gives the user; user_0001 if empty",
		"LinkSpec.institution_id": "id of the institution, such as chase; the Instant Bank if empty",
		"LinkSpec.state":          "state of the link; connected, or error with an error, if empty",
		"LinkSpec.error":          "why the link is in the state error",
		"LinkSpec.webhook":        "URL to which webhooks of the link go",
		"LinkSpec.tags":           "tags of the link",
		"LinkSpec.products":       "products of the link besides accounts; all if null or absent",
		"LinkSpec.not_permitted":  "products that the link does not have, even accounts",
		"LinkSpec.accounts":       "accounts of the link; made up if null or absent",

		"Fault":              "how a request fails; without status, code, link_error and reset it is handled, but otherwise",
		"Fault.status":       "status of the response; the body is its name, unless there is a code",
		"Fault.code":         "error code of the response; its status is MoneyKit's, unless there is a status",
		"Fault.link_error":   "link error of the response; its code is link_error.bad_state, unless there is a code",
		"Fault.header":       "header fields of the response, such as Retry-After",
		"Fault.body":         "body in the place of the response's",
		"Fault.content_type": "media type in the place of the response's",
		"Fault.latency":      "delay before anything else, such as 250ms",
		"Fault.reset":        "when the connection ends without a response: before or after the request is handled",
		"Fault.truncate":     "end the connection in the middle of the response's body",

		"Account":     "an account of MoneyKit's API; what is left out is made up",
		"Transaction": "a transaction of MoneyKit's API; what is left out is made up",
	}[name]
}

// bounds returns what the schema of a member has besides its type.
func bounds(name string) object {
	const mostDeliveries = 100
	return map[string]object{
		"deliverParams.duplicated":   {"minimum": 0, "maximum": mostDeliveries},
		"deliverParams.concurrently": {"minimum": 0, "maximum": mostDeliveries},
		"Fault.status":               {"minimum": 0, "maximum": 599},
		"LinkSpec.products":          {"nullable": true},
		"LinkSpec.accounts":          {"nullable": true},
	}[name]
}

// example returns the JSON of a request of a verb.
func example(verb string) string {
	const link = `"link_id": "mk_4YbPvJ0cXwW1Tz7nLq2Rd8"`
	const token = `"link_session_token": "session_9Qf2"`
	switch verb {
	case "connect":
		return `{` + token + `, "source": "ios", "play": {"username": "user_good"}}`
	case "authorize":
		return `{` + token + `, "play": {"institution": "moneykit-oauth-bank"}}`
	case "continue":
		return `{` + token + `, "return_url": "https://app.example/back?code=7Rk3"}`
	case "link":
		return `{"user_id": "user_0001", "institution_id": "chase", "webhook": "http://localhost:3000/webhooks/moneykit"}`
	case "break":
		return `{` + link + `, "reason": "auth_expired"}`
	case "reset", "settle":
		return `{` + link + `}`
	case "transactions":
		return `{` + link + `, "add": [{"amount": "12.50", "type": "debit", "description": "Coffee"}]}`
	case "refresh":
		return `{` + link + `, "products": ["transactions"]}`
	case "trigger":
		return `{` + link + `, "event": "link.state_changed"}`
	case "deliver":
		return `{"duplicated": 2}`
	case "resend":
		return `{"token": "delivery_3Xa9"}`
	case "sign":
		return `{"url": "http://localhost:3000/webhooks/moneykit", "body": {"webhook_event": "link.state_changed"}}`
	case "tamper":
		return `{"url": "http://localhost:3000/webhooks/moneykit", "body": {"webhook_event": "link.state_changed"}, "how": "body"}`
	case "fail":
		return `{"operation": "get_accounts", "n": 2, "fault": {"status": 503, "header": {"Retry-After": ["7"]}}}`
	case "advance":
		return `{"by": "24h"}`
	}
	return `{}`
}
