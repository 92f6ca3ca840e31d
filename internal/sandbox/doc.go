// Package sandbox is the fake MoneyKit: it puts its rooms together for package moneykittest and for
// the program moneykit-sandbox.
//
//   - world is the state: institutions, accounts, transactions, links, sessions and tokens, and how
//     they change. It is plain data, without net/http and without a clock.
//   - api answers requests: the operations with authentication, limits, validation and faults.
//   - delivery writes, signs and sends webhooks.
//   - pages is Connect: its pages for a browser, and what it reports to front ends.
//   - journal keeps records in a file. It knows nothing of the others.
//
// A room imports world and none of its neighbours:
//
//	       sandbox
//	   /      |       \
//	api    delivery   pages
//	   \      |       /
//	        world
//
// What one room needs of another, such as the API the keys of webhooks, is handed to it when it is
// made. The lock of world.Shared guards all that the rooms keep.
package sandbox
