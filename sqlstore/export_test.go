package sqlstore

import "time"

// Newest is the version of the tables.
const Newest = newest

// BudgetWindow is the time in which a slot serves one request.
const BudgetWindow = budgetWindow

// SetPatience changes for how long a locked database is asked again.
func SetPatience(s *Store, d time.Duration) { s.patience = d }

// SetStall changes how long a process may pause in an update.
func SetStall(s *Store, d time.Duration) { s.stall = d }
