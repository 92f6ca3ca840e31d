// Package transport holds what lies between a service call and the network: one concern a file.
//
// A call passes them in this order: [Call] sends, waits and sends again, [Wire] bounds one attempt
// in time and size. [SameOrigin] stops redirects that would carry credentials away, and [Cause]
// keeps what the network says out of the text of errors.
package transport
