// Package connect serves what front ends need for MoneyKit Connect:
//
//   - [Handler] serves the endpoints below.
//   - [ReturnPage] serves the page to which banks return the user.
//   - [AppleAppSiteAssociation] and [AssetLinks] serve the files that let a web address open an
//     app.
//
// # Endpoints
//
// All endpoints are below [Config.Path], /connect/ by default. Bodies have the type
// application/json. [Config.User] identifies the user; the body never does.
//
// POST session opens a link session and returns a [Launch], with which the front end starts
// Connect. The body may be empty; [Config.PrepareLink] can read it. The response has a host only
// with [Config.Host], and a theme only with [Config.Theme].
//
//	→ {}
//	← {"call": "link", "link_session_token": "…", "host": "https://…", "theme": {…}}
//
// POST relink opens a link session that repairs one of the user's links.
//
//	→ {"link": "link_…"}
//	← {"call": "relink", "link_session_token": "…", "host": "https://…", "theme": {…}}
//
// POST result takes the arguments of Connect's success or exit callback, in any form that
// [moneykit.ParseConnectResult] reads. For a relink, link is the handle of the link, because not
// every platform reports it in the result. Leave it out for a new link.
//
//	→ {"result": ["…", {"id": "chase", …}, "mk_…"], "link": "link_…"}
//	← {"outcome": "linked", "link": "link_…",
//	   "institution": {"id": "chase", "name": "Chase", "avatar": "https://…"}}
//	← {"outcome": "exited", "message": "Your bank is not available."}
//
// The outcome is linked, relinked or exited. An exit with an error has a message: Connect's
// sentence for the user. A front end may retry if it did not get the response.
//
// POST event takes the argument of Connect's event callback. The response is 204 without a body.
//
// POST disconnect deletes one of the user's links, if [Config.OnDisconnected] is set. The response
// is 204 without a body. A front end may retry.
//
//	→ {"link": "link_…"}
//
// GET of the path of a redirect URI, with a query, returns the page for a user who comes back from
// a bank; see [ReturnPage].
//
// GET connect.js returns an ES module that does all of this for a web page. GET connect.d.ts
// returns its types and documentation. The exports of the npm package @moneykit/connect are the
// argument of start:
//
//	import MoneyKit, { moneyui } from "@moneykit/connect";
//	import { start } from "/connect/connect.js";
//	const connect = start({ MoneyKit, moneyui });
//	button.onclick = () => connect.link().then(show, show);  // or connect.relink(link)
//	connect.resume().then((result) => result && show(result), show);  // after a bank's page
//
// # Links
//
// MoneyKit advises keeping link IDs on the server. Front ends use a handle instead, from the
// response to a result or from [LinkHandle]. A front end that knows the ID may send it as link_id,
// instead of link. Neither gives access: the endpoints accept only the user's own links.
//
// # Errors
//
// The response to a request that fails is
//
//	{"error": {"code": "rate_limited", "message": "…", "action": "retry_later",
//		"retry_after": 42}}
//
// The message is a sentence for the user. The action is a [moneykit.Action]. retry_after and the
// header Retry-After are in seconds; only a 429 response has them. With [Config.Development],
// detail says what is wrong with the request. The codes are:
//
//	400  invalid_request         the body was cut off
//	401  unauthenticated         Config.User returned an error or no user
//	403  forbidden               PrepareLink or PrepareRelink failed, or the link forbids it
//	403  cross_origin            a page of an origin that is not trusted sent the request
//	404  not_found               there is no such endpoint, or the user has no such link
//	405  method_not_allowed      the method is not in the header Allow
//	409  expired                 the token in the result is unknown, used or expired
//	409  not_connected           the link is not connected; see the action
//	409  not_needed              the link is connected and needs no relink
//	413  too_large               the body has more than 64 KiB, or 1 MiB for result
//	415  unsupported_media_type  the type is not application/json
//	422  invalid_request         the endpoint does not accept the body
//	429  rate_limited            the user posted too often, or MoneyKit said so
//	500  not_stored              Config.OnLinked, OnRelinked or OnDisconnected returned an error
//	500  unavailable             a hook set a redirect URI that Config does not have
//	502  unavailable             MoneyKit failed, was unreachable, or rejected the application
package connect
