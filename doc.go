// Package moneykit links your users' bank accounts through MoneyKit and reads their data.
//
// # Linking an account
//
// Four parties take part: your back end, your front end, MoneyKit Connect, and MoneyKit's API.
//
//  1. The back end opens a link session for a user and passes its token to the front end.
//  2. The front end starts Connect with the token. The user chooses an institution and logs in.
//  3. Connect calls the front end back, and the front end posts the callback's arguments to the
//     back end.
//  4. The back end exchanges the token in them for a link, checks that the link is the user's, and
//     stores the link's id.
//
// In Go:
//
//	client, err := moneykit.NewClientFromEnv()
//	…
//	session, err := client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
//		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
//		RedirectURI:  "https://example.com/oauth",
//	})
//	… // session.Token goes to the front end; the body of its post comes back
//	result, err := moneykit.ParseConnectResult(body)
//	…
//	link, err := client.LinkSessions.Finish(ctx, moneykit.FinishParams{
//		Result: result,
//		UserID: "user_0001",
//	})
//	…
//	accounts, err := client.Accounts.List(ctx, link.ID, moneykit.AccountListParams{})
//
// [LinkSessionsService.Finish] checks with MoneyKit that the link is the user's. It can be called
// again with the same result: if a result is posted twice, or the response to an exchange was lost,
// it returns the link that exists.
//
// The package connect does all of this in one http.Handler: it opens sessions, accepts results and
// events, offers relinks and disconnects, and serves connect.js for web pages and the page to which
// a bank returns. The package moneykittest is a MoneyKit that runs inside a test, without
// credentials and without a network.
//
// # Relinking
//
// The access to a link expires. [Link.Action], [ActionFor] and [ActionForEvent] return what to do
// about a link, an error and an event. [UserMessage] returns a sentence for the user, and
// [StatusFor] the HTTP status for your front end. If the action is [ActionRelink],
// [LinkSessionsService.Relink] opens a session in which the user repairs the link. The link keeps
// its id, its webhook and its tags.
//
// # OAuth
//
// Some banks log users in on their own pages and then send them to the redirect URI, with a query
// that belongs to Connect. [ValidateRedirectURI] checks a redirect URI, and [ParseOAuthReturn]
// checks the URL at which a user came back. The package connect serves the page there. It resumes
// Connect on the web or forwards to an app.
//
// # Authentication
//
// A [Client] fetches an access token when it first needs one, shares it between all callers, and
// renews it in the background before it expires. If MoneyKit refuses a token as expired, the client
// fetches another one and sends the request again, once. [WithTokenSource] shares a token between
// processes. [WithHeaderAuth] sends the client's id and secret with each request instead.
//
// The credentials select MoneyKit's sandbox or its live environment; the URL is the same.
//
// # Errors
//
// A method that calls MoneyKit returns an [*Error] if it fails. [errors.Is] matches it with a
// class:
//
//	switch {
//	case errors.Is(err, moneykit.ErrRelinkRequired): // the user must go through Connect again
//	case errors.Is(err, moneykit.ErrLinkDeleted):    // stop using the link
//	case errors.Is(err, moneykit.ErrRateLimited):    // try again after Error.RetryAfter
//	}
//
// with one of MoneyKit's codes, as in errors.Is(err, moneykit.ErrorCodeLinkForbiddenAction), and
// with the reason why a link cannot be used, as in errors.Is(err, moneykit.LinkErrorAuthExpired).
//
// A request that breaks one of MoneyKit's published limits is not sent. Its error matches
// [ErrorCodeValidationFailed], and [Error.Fields] names the invalid fields.
//
// The text of an error consists of this package's words, so it can be logged. MoneyKit's own words
// are in [Error.Message] and [Error.Fields] and may repeat what was sent. [CaptureResponse] returns
// the body of a response.
//
// # Retries
//
// A read, which is any GET or DELETE or the request for an access token, is retried after network
// errors and after 429, 502, 503 and 504. Other requests are retried only after 429, with which
// MoneyKit says that it did nothing. [RetryPolicy] bounds the attempts and the waits. If MoneyKit
// asks for a longer wait than the policy or the context allows, the call fails at once with
// [Error.RetryAfter]. [WithMaxWait] shortens the waits of one call, for a web handler for example,
// and [WithoutRetry] sends a call once.
//
// If the response to a request that is not a read is lost, the error matches [ErrOutcomeUnknown]:
// MoneyKit may have carried out the request, and the client did not send it again.
//
// # Rate limits
//
// MoneyKit limits how often a minute each operation may be called, for a link and for an
// application; the comments of methods state the limits. With [WithLimiter], a call waits before it
// is sent instead of failing with 429. [MemoryLimiter] knows the published limits and counts the
// requests of one process, or of several that each get a share; your own [Limiter] counts those of
// all processes in a common store. If the wait would outlast the context's deadline or
// [WithMaxWait], the call fails at once with an error that matches [ErrRateLimited] and has
// [Error.RetryAfter].
//
// # Timeouts
//
// An attempt ends after 60 seconds, or after the Timeout of the client given to [WithHTTPClient]. A
// deadline of the context replaces the 60 seconds, but not that Timeout.
//
// # Secrets and personal data
//
// A [Client], [Token], [LinkSession], [ConnectResult], [ConnectEvent], [FinishParams],
// [OAuthReturn], [Response], [Error] or event shows no secret and none of the user's data when it
// is printed with package fmt, logged with log/slog or encoded as JSON. This also holds for a value
// in an exported field, a slice or a map. To store or send one, use the fields that you need: the
// two fields of a [Token], the Token of a [LinkSession], the Raw of an event.
//
// There is one limit. Package fmt, and the text handler of log/slog with it, calls no methods on an
// unexported field of a struct: a struct of yours prints the whole value in such a field. Other
// values, such as [Account] and [Transaction], are data and print as such.
//
// # Values
//
// Amounts are [Decimal]: exact, and with the digits that MoneyKit sent. Add them with [Decimal.Add]
// and [Decimal.Sub], not as float64. A response field is a pointer, such as [Balances].Available,
// if its absence means something else than zero. Any other field has its zero value if MoneyKit
// leaves it out or sends null. Enumerations are strings that may have values newer than this
// package; their method Known reports whether this package knows the value. Unknown members of
// responses are ignored.
//
// Dates, times and numbers are accepted in each form whose meaning is clear. If a value has no
// meaning, the error names its path and the id of its row. Short strings of one response share
// memory: one that is kept alone keeps at most 512 bytes.
//
// Types of responses can be stored with encoding/json, which decodes all that they encode. In a
// response of MoneyKit's, encoding/json accepts fewer forms than a client: it refuses a number in
// place of a text, a text in place of a number or a boolean, and 1e2 or 100.0 for a field of type
// int. [Decimal], [Date] and [Timestamp] accept the same forms from both. [LinkSession] holds a
// secret and is not encoded.
//
// Signs differ by kind. The amount of a [Transaction] is never negative, and its Type says whether
// money came in (credit) or went out (debit). In an [InvestmentTransaction] a positive amount is
// money out, and in a [TransactionImport] it is money in. On a liability a positive balance is
// debt.
//
//	balance := moneykit.Decimal{}
//	for _, tx := range transactions {
//		switch tx.Type {
//		case moneykit.TransactionTypeCredit:
//			balance = balance.Add(tx.Amount)
//		case moneykit.TransactionTypeDebit:
//			balance = balance.Sub(tx.Amount)
//		}
//	}
//
// # Lists
//
// A method List returns one page. A method that begins with All returns an iterator over all items.
// It reads a page when the loop reaches it, holds one page at a time, starts from the beginning in
// each loop, and ends with the first error, which names the page:
//
//	for tx, err := range client.Transactions.All(ctx, link.ID, moneykit.TransactionListParams{}) {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// # A copy of the transactions
//
// [Client.SyncTransactions] keeps a copy of a link's transactions in a [TransactionStore] of yours.
// It follows MoneyKit's rules: changes come in no order, and a refresh replaces all pending
// transactions. The store keeps the position in the same database transaction as the rows, so the
// next run resumes after a crash. Two processes may sync the same link: an update names the
// position that it continues from, and the store returns [ErrSyncConflict] if it holds another one.
// [TransactionsService.Sync] yields the changes alone.
//
// A read returns the data that MoneyKit has stored. [ProductsService.Refresh] asks MoneyKit to
// fetch new data from the bank, and [ProductsService.Wait] waits for it.
//
// # Webhooks
//
// MoneyKit posts the events of a link to the link's webhook, signed over the raw body.
// [WebhooksService.Handler] is the endpoint. It verifies each delivery, calls a function with the
// [Event], and responds so that MoneyKit delivers again what was not handled. [Router] calls a
// function for each type of event. [WebhooksService.Verify] verifies a header and a body without a
// handler, and [ParseUnverifiedEvent] reads a body that was verified before.
//
// Events arrive late, more than once and in any order. [WithDedupe] handles each event once;
// [MemoryDeduper] remembers events in one process, and your own [Deduper] remembers them in a
// database for all instances. An event that is newer than this package is an [*UnknownEvent].
//
// If the function fails, the response is 500 and MoneyKit delivers the event again for two hours. A
// function that fails because its link is deleted would fail again: the response is 204 then, and
// [WithFinal] sets which errors count as final. If the signature's key is unknown, it may be newer
// than the cached keys: the response is 503 until the client may refetch the keys. Refused
// deliveries are logged with the reason; the response never says why.
//
// # Logs, metrics and traces
//
// [WithLogger] logs calls and retries with log/slog. [WithObserver] reports each attempt of a call,
// for metrics, and how long a [Limiter] held it. An [http.RoundTripper] given to [WithHTTPClient]
// can name a span with [OperationFrom], because the URL of a request holds ids.
//
// # Other calls
//
// [UsersService] reads over all links of a user, [InstitutionsService] searches MoneyKit's
// directory, and [LinksService.Import] imports links from another service. [Client.Do] makes calls
// that this package has no method for.
package moneykit
