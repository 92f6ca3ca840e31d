// Package linkworkflow tests the example in docs/growing.md: syncs with Temporal, with one workflow
// for each link instead of a queue.
package linkworkflow
