// Package sandbox is the fake MoneyKit: it assembles its subpackages for package moneykittest and
// the program moneykit-sandbox.
//
//   - world is the state: institutions, accounts, transactions, links, sessions and tokens, and the
//     rules by which they change. It is plain data, without net/http and without a clock.
//   - api handles requests: the operations with authentication, rate limits, validation and faults.
//   - delivery writes, signs and sends webhooks.
//   - pages is Connect: its pages for a browser, and the payloads that it reports to front ends.
//   - journal keeps records in a file. It imports none of the others.
//
// The subpackages api, delivery and pages import world, and do not import each other:
//
//	       sandbox
//	   /      |       \
//	api    delivery   pages
//	   \      |       /
//	        world
//
// New passes each subpackage the functions that it needs of the others. The API, for example, gets
// the function that returns the keys of webhooks. The lock of world.Shared guards the state of all
// of them.
package sandbox
