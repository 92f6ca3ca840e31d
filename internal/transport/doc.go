// Package transport holds what lies between a service call and the network: one concern a file.
//
// A call passes them in this order: [Retrier] sends and waits, [Wire] bounds one attempt in time
// and size. Redirects that would carry credentials away are stopped by [SameOrigin], and
// [Redactor] keeps secrets out of everything that is kept as text.
package transport
