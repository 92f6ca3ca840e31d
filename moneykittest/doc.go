// Package moneykittest provides a MoneyKit API that runs inside a test.
//
//	func TestBalances(t *testing.T) {
//		mk := moneykittest.NewServer(t)
//		link := mk.AddLink(moneykittest.LinkSpec{UserID: "user-42"})
//		list, err := mk.Client().Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
//		…
//	}
//
// A [Server] serves all 28 operations of the API and keeps state like MoneyKit: created objects can
// be read, tokens expire and work once, links break and are relinked. IDs and account data are the
// same in every run; see [WithSeed]. Tokens and keys are random.
//
//   - [Server.AddLink] creates a link in any state.
//   - [Server.Connect] plays a user in Connect and returns the payload that the front end would
//     post. [Server.Authorize] and [Server.Continue] do so in two steps, with the bank's own pages
//     in between. [Server.ConnectEvents] returns the events.
//   - [Server.AddTransactions], [Server.UpdateTransaction], [Server.RemoveTransaction],
//     [Server.Settle] and [Server.Refresh] change the data at the bank. [Server.Transactions]
//     returns the transactions that a complete copy contains.
//   - [Server.Break], [Server.Fail], [Server.ExpireTokens] and [Server.Advance] cause situations
//     that are hard to get otherwise: links in error, failing requests, expired tokens, the passing
//     of time.
//   - [Server.Requests] returns the received requests, without secrets.
//   - [Server.FrontEnd] plays a browser that links and relinks against an application's endpoints
//     for Connect: those of package connect, or its own.
//
// Webhooks wait for [Server.Deliver], unless the server has [WithAutoDelivery]. They are signed
// like MoneyKit's webhooks. They go over the network or, with [WithReceiver] and [Server.Receive],
// directly to a handler. A link that is created with a webhook announces its first transactions by
// an event. [Server.Deliveries] returns the outcomes, and [Server.RotateKeys] changes the key.
// [Server.SignedRequest] and [Server.Tamper] return genuine and forged webhooks for tests of an
// endpoint.
//
// [StoreSuite], [DeduperSuite] and [TokenSourceSuite] test your own implementations of
// [moneykit.TransactionStore], [moneykit.Deduper] and [moneykit.TokenSource].
//
// Inside a testing/synctest bubble, create the server in the bubble and use [Server.Client]: its
// connections are in memory, so that time can advance. [Server.URL] opens a real listener, with
// which time in a bubble does not advance.
//
// # JSON
//
// [Play], [LinkSpec], [Fault], [Reset], [Delivery], [DeliveryAttempt] and [Request] have a JSON
// form, with names in lower case and underscores. Their comments describe details.
//
// # Differences from MoneyKit
//
// The package follows what is published about MoneyKit. Where that leaves a question open, a
// comment describes the choice. MoneyKit uses more than one JSON shape for the same values. To test
// with the other shapes, run your tests again as [WithNulls] describes.
package moneykittest
