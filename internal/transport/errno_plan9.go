package transport

// systemText returns "": Plan 9 has no numbers for its errors.
func systemText(error) string { return "" }
