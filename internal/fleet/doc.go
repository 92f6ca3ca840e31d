// Package fleet contains tests of several processes that share a database. They measure how fast
// the processes store transactions, and check the copies after processes were killed and paused.
package fleet
