// Package moneykit links your users' bank accounts through MoneyKit and reads their data.
//
// # Linking an account
//
// Four parties take part: your back end, your front end, MoneyKit Connect, and MoneyKit's API.
//
//  1. The back end opens a link session for a user and hands its token to the front end.
//  2. The front end starts Connect with the token. The user chooses an institution and logs in.
//  3. Connect calls the front end back, and the front end posts what it got to the back end.
//  4. The back end exchanges the exchangeable token in it for a link, proves that it is the user's,
//     and stores the link's id.
//
// In Go that is:
//
//	client, err := moneykit.NewClient(id, secret)
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
// The package connect beside this one has all of it as one http.Handler: it opens sessions, takes
// results and events, offers relinks and serves the page to which a bank returns.
// [LinkSessionsService.Finish] believes nothing that the front end says,
// and may be called again: a result that is posted twice gives the same link, and an exchange whose
// answer was lost is found among the user's links.
//
// The package moneykittest beside this one is a MoneyKit for tests. With it all of the above runs
// without credentials and without a network.
//
// # Relinking
//
// Links expire. [Link.Action], [ActionFor] and [ActionForEvent] say what to do about a link, an
// error and an event; [UserMessage] and the method UserMessage of codes say it to the user. When
// that is [ActionRelink], [LinkSessionsService.Relink] opens a session that keeps the link's
// webhook and tags, and Connect's relink mends the link under its old id.
//
// # OAuth
//
// Some banks log users in on their own pages and send them back to the redirect URI, with a query
// that belongs to Connect: nobody else reads or changes it. [ValidateRedirectURI] checks a redirect
// URI, and [ParseOAuthReturn] checks a return. The package connect serves the page there, which
// resumes Connect on the web or forwards to an app, and the files that let a web address open an
// app.
//
// # Authentication
//
// A [Client] fetches an access token when it first needs one, shares it between all callers,
// renews it in the background before it expires, and repeats a request once that MoneyKit refused
// because the token had expired. [WithTokenSource] shares a token between processes;
// [WithHeaderAuth] does without one and sends the client's id and secret with each request.
// MoneyKit tells its sandbox from its live environment by the credentials alone.
//
// # Errors
//
// Everything that fails while calling MoneyKit fails with [*Error]. Ask for a class with
// [errors.Is]:
//
//	switch {
//	case errors.Is(err, moneykit.ErrRelinkRequired): // the user must go through Connect again
//	case errors.Is(err, moneykit.ErrLinkDeleted):    // stop using the link
//	case errors.Is(err, moneykit.ErrRateLimited):    // come back after Error.RetryAfter
//	}
//
// or for one code, as in errors.Is(err, moneykit.ErrorCodeLinkForbiddenAction), or for the reason
// why a link cannot be used, as in errors.Is(err, moneykit.LinkErrorAuthExpired). A request that
// breaks one of MoneyKit's published limits is not sent; it fails with
// [ErrorCodeValidationFailed], and [Error.Fields] names what is wrong with which field.
//
// Errors, logs and the values of this package, when printed, hold no secrets. What a page of a
// proxy repeats of the request is removed too.
//
// # Retries and time
//
// Reading, deleting and fetching tokens are repeated after failures of the network and after 429,
// 502, 503 and 504. Everything else is repeated only after 429, with which MoneyKit says that it
// did nothing. See [RetryPolicy] for the waits, and for when a call returns early with
// [Error.RetryAfter] rather than wait in vain. [WithoutRetry] sends a call once.
//
// When the answer to one of those others is lost, the error matches [ErrOutcomeUnknown]: it may
// have been carried out, and was not sent again.
//
// An attempt may take 60 seconds, or what the Timeout of the client given to [WithHTTPClient]
// says. A context with a deadline takes precedence, in both directions.
//
// # Values
//
// Money is [Decimal]: exact, and with the digits that MoneyKit sent. What may be absent and
// whose zero would mean something else is a pointer, such as [Balances].Available; everything
// else is a plain value whose zero value means absent, as do null and a missing member on the
// wire. Enumerations are strings that may hold values newer than this package; their
// method Known tells. Unknown members of answers are ignored.
//
// Signs differ by kind. A [Transaction] has an amount that is never negative and a type that
// says credit or debit; in an [InvestmentTransaction] a positive amount is money going out; in
// a [TransactionImport] it is money coming in. On a liability a positive balance is what is owed.
//
// # Lists
//
// List methods return one page. Methods that begin with All return an iterator over all items: it
// reads a page when the loop gets there, holds one page at a time, begins anew with each loop, and
// ends with the first error, which names the page:
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
// [Client.SyncTransactions] brings a copy up to date, in a [TransactionStore] of yours. It follows
// MoneyKit's rules: changes come in no order, pending transactions are replaced as a whole after a
// refresh and only then, and the position is stored together with what it stands for. A run that
// fails, or dies, is gone on with by the next. [TransactionsService.Sync] yields the changes alone.
//
// Reading never makes MoneyKit go to the bank. [ProductsService.Refresh] asks for that, and
// [ProductsService.Wait] waits for it.
//
// # Webhooks
//
// MoneyKit posts what happens to a link to the link's webhook, signed over the raw body.
// [WebhooksService.Handler] is the endpoint: it verifies, calls a function with the [Event], and
// answers so that MoneyKit delivers again what could not be handled. [Router] hands each type of
// event to a function of its own. [WebhooksService.Verify] is for those who have header and body
// in another way; [ParseUnverifiedEvent] is for queues behind either, and for nothing else.
//
// Events come late, several times and in any order. [WithDedupe] lets each be handled once;
// [MemoryDeduper] remembers them in one process, and a [Deduper] of yours in a database does it
// for all instances. Types and versions that are newer than this package are an [*UnknownEvent].
//
// Signatures are accepted for 2 h 15 min, because MoneyKit repeats deliveries for two hours and may
// not sign again; [WithWebhookPolicy] changes that. What is refused is logged, with the reason, and
// the reason also says what probably went wrong on the way: a body that was decoded and encoded
// again, a key of MoneyKit's other environment, a clock that is fast.
//
// # What else there is
//
// [Client.Do] calls what this package has no method for. [CaptureResponse] keeps the answer as it
// came. [UsersService] reads over all links of a user, [InstitutionsService]
// searches MoneyKit's directory, and [LinksService.Import] brings in links from elsewhere.
// [WithLogger] logs calls and retries with log/slog.
package moneykit
