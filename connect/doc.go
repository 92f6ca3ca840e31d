// Package connect serves what the front ends of an application need for MoneyKit Connect: the
// endpoints that [Handler] describes, the page to which banks return, and the files that let a web
// address open an app.
//
// # Endpoints
//
// All endpoints are below [Config.Path], /connect/ by default. They accept POST with a JSON body
// and the type application/json. The user is whoever [Config.User] says, never somebody that the
// body names.
//
// POST session opens a link session and returns a [Launch], with which the front end starts
// Connect. The body is not read; {} will do.
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
// [moneykit.ParseConnectResult] reads. After a relink, link_id names the link: not every platform
// reports it. The institution is in the response if there is a link.
//
//	→ {"result": ["…", {"id": "chase", …}, "mk_…"], "link_id": "mk_…"}
//	← {"outcome": "linked", "institution": {"id": "chase", "name": "Chase"}}
//
// The outcome is linked, relinked or exited. A front end may post a result again if it has not
// heard the response.
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
// The message is a sentence for the user. The action is a [moneykit.Action]. retry_after is in
// seconds, in the body and in the header Retry-After; only 429 has it. The codes are:
//
//	400, 413  invalid_request, too_large    the body was cut off, or has more than 1 MiB
//	401       unauthenticated               [Config.User] returned an error or no user
//	403       forbidden, cross_origin       a hook refused; a page of another origin asked
//	404       not_found                     the link does not exist, or is not the user's
//	405, 415  method_not_allowed, unsupported_media_type
//	409       expired                       the token in the result is unknown, used or expired
//	409       not_connected                 the link is not connected (yet); see the action
//	409       not_needed                    the link is connected and needs no relink
//	422       invalid_request               the body is not what the endpoint takes
//	429       rate_limited                  the user posted too often, or MoneyKit said so
//	500       not_stored                    [Config.OnLinked] or [Config.OnRelinked] failed
//	502       unavailable                   MoneyKit could not be reached or refused the application
package connect
