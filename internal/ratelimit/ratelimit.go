// Package ratelimit holds MoneyKit's published rate limits.
package ratelimit

import "time"

// Window is the time in which requests count towards a limit. MoneyKit does not publish whether its
// windows are fixed or sliding.
const Window = time.Minute

// Limits are the most requests of one operation in a [Window]. A zero field is a limit that is not
// published.
type Limits struct {
	Link   int // requests about one link
	User   int // requests about one user
	Client int // requests with one client id
	App    int // requests of the application, over all its client ids
}

// For returns the limits of an operation, such as "GET /links/{id}". It reports false if none are
// published. Refreshes of products have limits of hours and days, which are not among these.
func For(operation string) (Limits, bool) {
	limits := published(operation)
	return limits, limits != Limits{}
}
