package moneykit

// The tests in package moneykit_test need these internals.

// Decode decodes a response into out, a pointer to a type that has a decoder.
func Decode(data []byte, out any) error { return decode(data, out.(object)) }

// HasDecoder reports whether v is a pointer to a type that has a decoder.
func HasDecoder(v any) bool {
	_, ok := v.(object)
	return ok
}

// SyncPage is the response of get_transactions_sync.
type SyncPage = transactionSyncPage
