package control

// describe returns the description of a type in the JSON of the control API, or of a member that is
// named TYPE.MEMBER. It returns "" for types and members that are described elsewhere: by struct
// tags, or by the API of MoneyKit.
func describe(name string) string {
	return map[string]string{
		"Error":               "why a request was refused",
		"Error.error_message": "message for people",

		"State":                    "the sandbox as a whole",
		"State.version":            "version of the module that the program was built from",
		"State.api":                "URL of the API and of Connect's pages",
		"State.control":            "URL of the control API and its page",
		"State.client_id":          "client id that the API accepts",
		"State.client_secret":      "client secret that the API accepts",
		"State.ca":                 "file with the certificate of the CA",
		"State.state":              "file with the state",
		"State.now":                "time on the clock of the sandbox",
		"State.advance":            "duration by which the clock is ahead",
		"State.links":              "number of links",
		"State.sessions":           "number of link sessions",
		"State.requests":           "number of requests to the API, including those that are no longer listed",
		"State.deliveries":         "number of webhooks",
		"State.pending_deliveries": "number of webhooks with a planned attempt",

		"Link":             "the current state of a link",
		"Link.id":          "id of the link",
		"Link.user_id":     "id that the application gave the user",
		"Link.institution": "name of the institution",
		"Link.state":       "state of the link",
		"Link.error":       "why the link is in the state error",
		"Link.webhook":     "URL that receives the webhooks of the link",
		"Link.products":    "products that the link has",
		"Link.accounts":    "number of accounts",
		"Link.created_at":  "when the link was created, by the clock of the sandbox",

		"Session":                    "a link session",
		"Session.link_session_token": "token that starts Connect",
		"Session.user_id":            "id that the application gave the user",
		"Session.institution":        "name of the institution, after it was chosen",
		"Session.existing_link_id":   "id of the link that the session relinks",
		"Session.screen":             "current screen of Connect, after it was opened",
		"Session.used":               "whether Connect was opened with the session",
		"Session.over":               "whether Connect has ended",
		"Session.created_at":         "when the session was created, by the clock of the sandbox",

		"TestUser":          "a user of the test banks",
		"TestUser.username": "name to sign in with",
		"TestUser.password": "password to sign in with",
		"TestUser.does":     "what happens to the user",

		"Received":           "a request to the API; [redacted] replaces secrets and personal data",
		"Received.number":    "counts the requests, from 1",
		"Received.refusal":   "why the request was refused",
		"Received.operation": "id of the operation in the API; empty if no operation matches",
		"Received.method":    "HTTP method",
		"Received.path":      "path of the request",
		"Received.query":     "parameters of the query",
		"Received.header":    "header fields",
		"Received.body":      "JSON body, or another body as text",
		"Received.status":    "status of the response; absent if there was none",
		"Received.at":        "when the request arrived, by the clock of the sandbox",

		"Delivery":                 "a webhook with its attempts",
		"Delivery.token":           "MoneyKit-Delivery-Token of its requests",
		"Delivery.event":           "webhook_event of the body",
		"Delivery.link_id":         "id of the link",
		"Delivery.idempotency_key": "webhook_idempotency_key of the body",
		"Delivery.url":             "webhook of the link when the event happened",
		"Delivery.body":            "JSON body",
		"Delivery.queued_at":       "when the event happened, by the clock of the sandbox",
		"Delivery.state":           "state of the delivery",
		"Delivery.attempts":        "requests that were sent, beginning with MoneyKit-Delivery-Attempt 1",
		"Delivery.next":            "when the next request is due; absent if there will be none",

		"DeliveryAttempt":        "one request to a webhook",
		"DeliveryAttempt.at":     "when it was sent, by the clock of the sandbox",
		"DeliveryAttempt.status": "status of the response; absent if there was none",
		"DeliveryAttempt.error":  "why there was no response",

		"played":                    "how Connect ended",
		"played.result":             "payload of the front end's callback, in the form of its platform and version",
		"played.events":             "payloads of the event callback, in order",
		"played.exchangeable_token": "token that the application exchanges for the link",
		"played.link_id":            "id of the link",

		"authorized":            "the result of authorize",
		"authorized.return_url": "URL to which the bank sends the user back; empty if Connect ended before",

		"triggered":       "the result of trigger",
		"triggered.token": "MoneyKit-Delivery-Token of its requests",

		"webhook":        "a webhook for the caller to send",
		"webhook.method": "HTTP method",
		"webhook.url":    "URL to send it to",
		"webhook.header": "header fields",
		"webhook.body":   "body, byte for byte",

		"advanced":     "the clock",
		"advanced.now": "time on the clock of the sandbox",

		"Play":              "what a user does in Connect; by default, the user links all accounts",
		"Play.institution":  "id of the bank that the user chooses, if the link session does not name one",
		"Play.username":     "name of the test user who signs in; user_good if empty",
		"Play.accounts":     "types of the accounts that the user shares, such as depository.checking; empty means all",
		"Play.new_accounts": "accounts of the user in addition to the made-up ones",
		"Play.decline":      "products that the user does not permit",
		"Play.provider":     "provider through which MoneyKit reaches the bank from now on",
		"Play.failure":      "why the bank denies access",
		"Play.exit":         "error with which Connect ends",
		"Play.leave":        "whether the user closes Connect",
		"Play.version":      "version of Connect, such as 0.3.28 for the web; empty means the default version",

		"LinkSpec":                "a link",
		"LinkSpec.user_id":        "id that the application gives the user; user_0001 if empty",
		"LinkSpec.institution_id": "id of the institution, such as chase; the Instant Bank if empty",
		"LinkSpec.state":          "state of the link; if empty: error if error is set, else connected",
		"LinkSpec.error":          "why the link is in the state error",
		"LinkSpec.webhook":        "URL that receives the webhooks of the link",
		"LinkSpec.tags":           "tags of the link",
		"LinkSpec.products":       "products of the link in addition to accounts; null or absent means all",
		"LinkSpec.not_permitted":  "products that the user refused; may include accounts",
		"LinkSpec.accounts":       "accounts of the link; made up if null or absent",

		"Fault":              "how a request fails; without status, code, link_error and reset, it is handled and only its response changes",
		"Fault.status":       "status of the response; without a code, the body is the name of the status",
		"Fault.code":         "error code of the response; without a status, the status is MoneyKit's for the code",
		"Fault.link_error":   "link error of the response; without a code, the code is link_error.bad_state",
		"Fault.header":       "header fields of the response, such as Retry-After",
		"Fault.body":         "replaces the body of the response",
		"Fault.content_type": "replaces the media type of the response",
		"Fault.latency":      "delay before the request is processed, such as 250ms",
		"Fault.reset":        "when the connection ends without a response: before or after the request is handled",
		"Fault.truncate":     "close the connection in the middle of the response's body",

		"Account":     "an account of MoneyKit's API; missing members are made up",
		"Transaction": "a transaction of MoneyKit's API; missing members are made up",
	}[name]
}

// bounds returns the additional constraints in the schema of a member.
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

// example returns the JSON of an example request to a verb.
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
