// Package fleet holds tests of several processes that share a database: how fast they store
// transactions, and what is left when they are killed and paused.
package fleet
