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
// again with the same result: if the front end posts a result twice, or the response to an exchange
// was lost, it returns the existing link.
//
// The package connect does all of this in one http.Handler: it opens sessions, accepts results and
// events, relinks and disconnects links, and serves connect.js for web pages and the page to which
// a bank returns the user. The package moneykittest is a MoneyKit that runs inside a test, without
// credentials and without a network.
//
// # Relinking
//
// The access to a link expires. [Link.Action], [ActionFor] and [ActionForEvent] return what to do
// about a link, an error and an event. [UserMessage] returns a sentence for the user, and
// [StatusFor] returns the HTTP status for your front end. If the action is [ActionRelink],
// [LinkSessionsService.Relink] opens a session in which the user repairs the link. The link keeps
// its id, its webhook and its tags.
//
// # OAuth
//
// Some banks log users in on their own pages and then send them to the redirect URI, with a query
// that belongs to Connect. [ValidateRedirectURI] checks a redirect URI, and [ParseOAuthReturn]
// checks the URL at which a user came back. The package connect serves the page at the redirect
// URI. The page resumes Connect on the web or forwards the user to an app.
//
// # Concurrency
//
// A program needs one [Client] for each application. The client, its services, and the handlers and
// iterators that they return are safe for concurrent use. The client may call a [TransactionStore],
// [Deduper], [TokenSource], [Limiter] or observer from several goroutines. A [CallOption] may be
// used for several calls, except [CaptureResponse].
//
// The module github.com/moneykit/moneykit-go/sqlstore implements these interfaces on a database
// that several processes share, SQLite or PostgreSQL.
//
// # Authentication
//
// A [Client] fetches an access token when it first needs one, shares it between all callers, and
// renews it in the background before it expires. If MoneyKit refuses a token as expired, the
// client fetches another one and sends the request again, once. [WithTokenSource] shares a token
// between processes, for example one of sqlstore. [WithHeaderAuth] sends the client's id and
// secret with each request instead.
//
// The credentials select MoneyKit's sandbox or its live environment; the URL is the same.
//
// # Errors
//
// A method that calls MoneyKit returns an [*Error] if it fails. The Error contains the operation,
// the HTTP status, MoneyKit's code, the invalid fields, the time to wait and the request id.
// [errors.Is] matches it with
//
//   - a sentinel: [ErrNotFound], [ErrUnauthorized], [ErrForbidden], [ErrRateLimited],
//     [ErrRelinkRequired], [ErrLinkDeleted], [ErrOutcomeUnknown], or one that a method names;
//   - MoneyKit's code, such as [ErrorCodeLinkForbiddenAction];
//   - the reason why a link cannot be used, such as [LinkErrorAuthExpired];
//   - the cause, such as [context.Canceled].
//
// For example:
//
//	switch {
//	case errors.Is(err, moneykit.ErrRelinkRequired): // the user must go through Connect again
//	case errors.Is(err, moneykit.ErrLinkDeleted):    // stop using the link
//	case errors.Is(err, moneykit.ErrRateLimited):    // retry after Error.RetryAfter
//	}
//
// The client does not send a request that breaks one of MoneyKit's published limits. The error
// matches [ErrorCodeValidationFailed], and [Error.Fields] names the invalid fields.
//
// The text of an error consists of this package's words, so it can be logged. MoneyKit's own words
// are in [Error.Message] and [Error.Fields], which may quote the request. [CaptureResponse] stores
// the body of a response.
//
// # Retries
//
// Any GET, any DELETE and the request for an access token is a read. The client retries a read
// after network errors and after 429, 502, 503 and 504. It retries other requests only after 429,
// with which MoneyKit says that it did nothing. [RetryPolicy] limits the attempts and the waits. If
// MoneyKit asks for a longer wait than the policy or the context allows, the call fails at once
// with [Error.RetryAfter]. [WithMaxWait] limits the waits of one call, for example in a web
// handler. [WithoutRetry] turns retries off for one call.
//
// If the response to a request that is not a read is lost, the error matches [ErrOutcomeUnknown]:
// MoneyKit may have carried out the request, and the client did not send it again. After a lost
// exchange, call [LinkSessionsService.Finish] again with the same result: it finds the link.
//
// # Rate limits
//
// MoneyKit limits the calls a minute of each operation, for a link and for an application. The
// comments of methods state the limits. With [WithLimiter], a call waits before it is sent instead
// of failing with 429. [MemoryLimiter] knows the published limits and counts the requests of one
// process. [MemoryLimiter].Processes divides the limits between several processes. The Limiter of
// sqlstore counts the requests of all processes in a database. If the wait would outlast the
// context's deadline or [WithMaxWait], the call fails at once with an error that matches
// [ErrRateLimited] and has [Error.RetryAfter].
//
// # Timeouts
//
// An attempt ends after 60 seconds, or after the Timeout of the [http.Client] given to
// [WithHTTPClient]. A deadline of the context replaces the 60 seconds, but not that Timeout.
//
// # Secrets and personal data
//
// A [Client], [Token], [LinkSession], [ConnectResult], [ConnectEvent], [FinishParams],
// [OAuthReturn], [Response], [Error] or event shows no secret and none of the user's data when it
// is printed with package fmt, logged with log/slog or encoded as JSON. This also applies to a
// value in an exported field, a slice or a map. To store or send one, use the fields that you need:
// the two fields of a [Token], the Token of a [LinkSession], the Raw of an event.
//
// There is one exception: package fmt calls no methods on an unexported field of a struct. If your
// own struct has such a value in an unexported field, printing the struct shows the whole value.
// The text handler of log/slog prints with package fmt.
//
// Other values, such as [Account] and [Transaction], are data and are printed in full.
//
// # Values
//
// Amounts are [Decimal]: exact, and with the digits that MoneyKit sent. Add them with [Decimal.Add]
// and [Decimal.Sub], not as float64. A response field, such as [Balances].Available, is a pointer
// if an absent value differs from zero. Any other field has its zero value if MoneyKit leaves it
// out or sends null. Enumerations are strings that may have values newer than this package; their
// method Known reports whether this package knows the value. Unknown members of responses are
// ignored.
//
// Dates, times and numbers are accepted in every form with a clear meaning. If a value has none,
// such as 29 February 2017, the error names its path and the id of its row. Short strings of one
// response share memory: a string that is kept alone keeps at most 512 bytes.
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
// A method named List returns one page. A method whose name begins with All returns an iterator
// over all items. The iterator reads a page when the loop reaches it, and keeps one page in memory.
// Each loop starts from the beginning and ends with the first error, which names the page:
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
// [Client.SyncTransactions] keeps a copy of a link's transactions in a [TransactionStore]: the
// Store of sqlstore, or your own. It follows MoneyKit's rules: changes arrive in no particular
// order, and a refresh replaces all pending transactions. The store writes the position in the
// same database transaction as the rows, so the next run resumes after a crash. Two processes may
// sync the same link: an update names the position that it continues from, and the store returns
// [ErrSyncConflict] if its own position differs. SyncTransactions then continues from the store's
// position. [TransactionsService.Sync] yields the changes without storing them.
//
// A read returns the data that MoneyKit has stored. [ProductsService.Refresh] asks MoneyKit to
// fetch new data from the bank, and [ProductsService.Wait] waits for it.
//
// # Webhooks
//
// MoneyKit posts the events of a link to the link's webhook, with a signature over the raw body.
// [WebhooksService.Handler] is the endpoint. It verifies each delivery and calls a function with
// the [Event]. If the function fails, its response makes MoneyKit deliver the event again. [Router]
// calls a function for each type of event. [WebhooksService.Verify] verifies a header and a body
// without a handler, and [ParseUnverifiedEvent] reads a body that was verified before.
//
// Events arrive late, more than once and in any order. [WithDedupe] skips events that were
// handled. [MemoryDeduper] remembers events in one process; the Deduper of sqlstore remembers them
// in a database for all instances. The function must still be idempotent, because a process may
// crash after its effects and before the event is recorded. An event of a type newer than this
// package is an [*UnknownEvent].
//
// If the function fails, the response is 500, and MoneyKit retries the delivery for two hours. If
// the function fails because its link is deleted, a retry would fail again, so the response is
// 204; [WithFinal] sets which errors are final. MoneyKit may sign with a new key. Until the client
// may refetch the keys, a delivery with an unknown key gets 503, and MoneyKit delivers it again.
// Refused deliveries are logged with the reason; the response never says why.
//
// # Logs, metrics and traces
//
// [WithLogger] logs calls and retries with log/slog. Without it the client logs nothing; the
// handlers of webhooks and of package connect log to [slog.Default]. [WithObserver] reports each
// attempt of a call, for metrics, and how long a [Limiter] delayed it. An [http.RoundTripper] in
// the client given to [WithHTTPClient] can name a span with [OperationFrom]. The URL of a request
// is no name for a span, because it contains ids.
//
// # Other calls
//
// [UsersService] reads the data of all links of a user. [InstitutionsService] searches MoneyKit's
// directory of institutions. [LinksService.Import] imports links from another service. [Client.Do]
// makes calls that this package has no method for.
package moneykit
