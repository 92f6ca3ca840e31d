// Package transport is the layer between a service call and the network.
//
// [Call] sends a request and retries it. [Wire] limits the time and size of one attempt.
// [SameOrigin] stops redirects that would send credentials to another origin. [Cause] removes the
// text of the network's errors, which may contain secrets.
package transport
