// Package linkworkflow tests what docs/growing.md shows: syncs with Temporal, with one workflow for
// each link in place of a queue.
package linkworkflow
