// Package connect serves what the front ends of an application need for MoneyKit Connect: the
// endpoints that [Handler] describes, the page to which banks return, and the files that let a web
// address open an app.
//
// # Endpoints
//
// All endpoints are below [Config.Path], /connect/ by default. They accept POST with a body of the
// type application/json. [Config.User] returns the user, who is never named by the body.
//
// POST session opens a link session and returns a [Launch], with which the front end starts
// Connect. The content of the body is ignored.
//
//	→ {}
//	← {"call": "link", "link_session_token": "…", "theme": {…}}
//
// POST relink opens a link session that repairs one of the user's links.
//
//	→ {"link_id": "mk_…"}
//	← {"call": "relink", "link_session_token": "…", "theme": {…}}
//
// POST result takes the arguments of Connect's success or exit callback, in any form that
// [moneykit.ParseConnectResult] reads. link_id is the link that was to be relinked, which not every
// platform reports; leave it out for a new link.
//
//	→ {"result": ["…", {"id": "chase", …}, "mk_…"], "link_id": "mk_…"}
//	← {"outcome": "linked", "institution": {"id": "chase", "name": "Chase"}}
//
// The outcome is linked, relinked or exited. An exit has no institution. A front end may post a
// result again if it did not get the response.
//
// POST event takes the argument of Connect's event callback. The response is 204 without a body.
//
// GET of the redirect URI's path, with a query, is the page to which a bank returns the user; see
// [ReturnPage].
//
// # Errors
//
// The response to a request that fails is
//
//	{"error": {"code": "rate_limited", "message": "…", "action": "retry_later", "retry_after": 42}}
//
// The message is a sentence for the user. The action is a [moneykit.Action]. retry_after and the
// header Retry-After are in seconds; only 429 has them. The codes are:
//
//	400  invalid_request         the body was cut off
//	401  unauthenticated         Config.User returned an error or no user
//	403  forbidden               Config.PrepareLink or PrepareRelink returned an error
//	403  cross_origin            a page of another origin sent the request
//	404  not_found               the link does not exist, or is not the user's
//	405  method_not_allowed      the method is not POST
//	409  expired                 the token in the result is unknown, used or expired
//	409  not_connected           the link is not connected; see the action
//	409  not_needed              the link is connected and needs no relink
//	413  too_large               the body has more than 64 KiB, or 1 MiB for result
//	415  unsupported_media_type  the type is not application/json
//	422  invalid_request         the endpoint does not accept the body
//	429  rate_limited            the user posted too often, or MoneyKit said so
//	500  not_stored              Config.OnLinked or OnRelinked returned an error
//	502  unavailable             MoneyKit could not be reached, or refused the application
package connect
