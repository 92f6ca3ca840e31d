// Package moneykittest is a MoneyKit that runs inside a test.
//
//	func TestBalances(t *testing.T) {
//		mk := moneykittest.NewServer(t)
//		link := mk.AddLink(moneykittest.LinkSpec{UserID: "user-42"})
//		list, err := mk.Client().Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
//		…
//	}
//
// A [Server] keeps state as MoneyKit does: what is created can be read back, tokens expire and
// are good once, links break and are mended. [Server.Connect] plays the user who goes through
// Connect and returns what the front end would post; [Server.Authorize] and [Server.Continue] stop
// between a bank's own pages and Connect, and [Server.ConnectEvents] tells what happened on the way.
// [Server.Break], [Server.Fail],
// [Server.ExpireTokens] and [Server.Advance] bring about what is hard to come by otherwise, and
// [Server.Requests] tells what was asked. Ids and account data are the same in every run, see
// [WithSeed]; tokens and keys never are. [Server.AddTransactions], [Server.UpdateTransaction],
// [Server.RemoveTransaction], [Server.Settle] and [Server.Refresh] let things happen at the bank, and
// [Server.Transactions] tells what a complete copy of it consists of.
//
// Webhooks of links that have one wait for [Server.Deliver], unless there is [WithAutoDelivery]. They
// are signed as MoneyKit's are, and go over the network or, with [WithReceiver], straight to a
// handler; [Server.Deliveries] tells what became of them. [Server.RotateKeys] changes the key.
// [Server.SignedRequest] and [Server.Tamper] make genuine and forged ones for tests of an endpoint.
//
// Inside a testing/synctest bubble, make the server in the bubble and use [Server.Client]: its
// connections are in memory, so that time can move. [Server.URL] opens a real listener, which
// holds time still.
//
// The package knows what is published about MoneyKit. Where that leaves a question open, a
// comment in the code says what was chosen. It serves all 28 operations of the API.
package moneykittest
