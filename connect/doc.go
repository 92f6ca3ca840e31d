// Package connect serves what the front ends of an application need for MoneyKit Connect: the
// endpoints that [Handler] describes, the page to which banks return, and the files that let a web
// address open an app.
//
// # Endpoints
//
// All endpoints are below [Config.Path], /connect/ by default. Bodies have the type
// application/json. [Config.User] returns the user, who is never named by the body.
//
// POST session opens a link session and returns a [Launch], with which the front end starts
// Connect. The body may be empty; [Config.PrepareLink] can read it. host is only there with
// [Config.Host], and theme with [Config.Theme].
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
// [moneykit.ParseConnectResult] reads. link is the link that was to be relinked, which not every
// platform reports; leave it out for a new link.
//
//	→ {"result": ["…", {"id": "chase", …}, "mk_…"], "link": "link_…"}
//	← {"outcome": "linked", "link": "link_…",
//	   "institution": {"id": "chase", "name": "Chase", "avatar": "https://…"}}
//	← {"outcome": "exited", "message": "Your bank is not available."}
//
// The outcome is linked, relinked or exited. An exit with an error has a message, which is the
// sentence of Connect. A front end may post a result again if it did not get the response.
//
// POST event takes the argument of Connect's event callback. The response is 204 without a body.
//
// POST disconnect deletes one of the user's links, if [Config.OnDisconnected] is set. The response
// is 204 without a body. A front end may post it again.
//
//	→ {"link": "link_…"}
//
// GET of the path of a redirect URI, with a query, is the page to which a bank returns the user;
// see [ReturnPage].
//
// GET connect.js is an ES module that does all of this for a web page, and GET connect.d.ts its
// types and documentation. It is given the exports of the npm package @moneykit/connect.
//
//	import MoneyKit, { moneyui } from "@moneykit/connect";
//	import { start } from "/connect/connect.js";
//	const connect = start({ MoneyKit, moneyui });
//	button.onclick = () => connect.link().then(show, show);  // or connect.relink(link)
//	connect.resume().then((result) => result && show(result), show);  // after a bank's page
//
// # Links
//
// MoneyKit advises to keep the ID of a link on the server. Front ends have a handle instead, from
// the response to a result or from [LinkHandle]. Where the body has link, a front end that knows
// the ID may send link_id instead. Neither gives access: the endpoints look for the link among the
// user's own.
//
// # Errors
//
// The response to a request that fails is
//
//	{"error": {"code": "rate_limited", "message": "…", "action": "retry_later",
//		"retry_after": 42}}
//
// The message is a sentence for the user. The action is a [moneykit.Action]. retry_after and the
// header Retry-After are in seconds; only 429 has them. With [Config.Development], detail says what
// is wrong with the request. The codes are:
//
//	400  invalid_request         the body was cut off
//	401  unauthenticated         Config.User returned an error or no user
//	403  forbidden               PrepareLink or PrepareRelink refused, or the link forbids it
//	403  cross_origin            a page of an origin that is not trusted sent the request
//	404  not_found               there is no such endpoint, or the user has no such link
//	405  method_not_allowed      the method is not one of those in the header Allow
//	409  expired                 the token in the result is unknown, used or expired
//	409  not_connected           the link is not connected; see the action
//	409  not_needed              the link is connected and needs no relink
//	413  too_large               the body has more than 64 KiB, or 1 MiB for result
//	415  unsupported_media_type  the type is not application/json
//	422  invalid_request         the endpoint does not accept the body
//	429  rate_limited            the user posted too often, or MoneyKit said so
//	500  not_stored              Config.OnLinked, OnRelinked or OnDisconnected returned an error
//	500  unavailable             a hook set a redirect URI that Config does not have
//	502  unavailable             MoneyKit could not be reached, or refused the application
package connect
