// Package moneykittest is a MoneyKit that runs inside a test.
//
//	func TestBalances(t *testing.T) {
//		mk := moneykittest.NewServer(t)
//		link := mk.AddLink(moneykittest.LinkSpec{UserID: "user-42"})
//		list, err := mk.Client().Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
//		…
//	}
//
// A [Server] serves all 28 operations of the API and keeps state as MoneyKit does: what a request
// creates can be read back, tokens expire and are good once, links break and are relinked. Ids and
// account data are the same in every run, see [WithSeed]. Tokens and keys are random.
//
//   - [Server.AddLink] makes a link in any state.
//   - [Server.Connect] plays a user in Connect and returns what the front end would post.
//     [Server.Authorize] and [Server.Continue] do so in two steps, with the bank's own pages in
//     between. [Server.ConnectEvents] returns the events of the way.
//   - [Server.AddTransactions], [Server.UpdateTransaction], [Server.RemoveTransaction],
//     [Server.Settle] and [Server.Refresh] change what the bank has. [Server.Transactions] returns
//     what a complete copy has to contain.
//   - [Server.Break], [Server.Fail], [Server.ExpireTokens] and [Server.Advance] cause what is hard
//     to get otherwise: links in error, failing requests, expired tokens, the passing of time.
//   - [Server.Requests] returns what was received, without secrets.
//   - [Server.FrontEnd] plays a browser that links and relinks against an application's own
//     endpoints for Connect, those of package connect or others like them.
//
// Webhooks wait for [Server.Deliver], unless the server has [WithAutoDelivery]. They are signed as
// MoneyKit's are, and go over the network or, with [WithReceiver] and [Server.Receive], straight to
// a handler. A link that is made with a webhook announces its first transactions by an event.
// [Server.Deliveries] returns their outcomes, and [Server.RotateKeys] changes the key.
// [Server.SignedRequest] and [Server.Tamper] make genuine and forged webhooks for tests of an
// endpoint.
//
// [StoreSuite], [DeduperSuite] and [TokenSourceSuite] test your own implementations of
// [moneykit.TransactionStore], [moneykit.Deduper] and [moneykit.TokenSource].
//
// Inside a testing/synctest bubble, make the server in the bubble and use [Server.Client]: its
// connections are in memory, so that time can advance. [Server.URL] opens a real listener, which
// stops time in a bubble.
//
// # JSON
//
// [Play], [LinkSpec], [Fault], [Reset], [Delivery], [DeliveryAttempt] and [Request] have a JSON
// form, with names in lower case and underscores. Their comments say what is not obvious about it.
//
// # What it follows
//
// The package follows what is published about MoneyKit. Where that leaves a question open, a
// comment says what was chosen. MoneyKit has been seen to write the same things in more than one
// shape: run your tests once more with the others, as [WithNulls] describes.
package moneykittest
