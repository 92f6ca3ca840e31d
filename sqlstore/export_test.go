package sqlstore

import "time"

// Newest is the version of the tables.
const Newest = newest

// BudgetWindow is the time in which a slot serves one request.
const BudgetWindow = budgetWindow

// SetStall changes how long a process may pause in an update.
func SetStall(s *Store, d time.Duration) { s.stall = d }
