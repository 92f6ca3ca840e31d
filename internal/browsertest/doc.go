// Package browsertest has no code of its own: its tests play connect.js and the return page in
// Chromium, and linking in Firefox too, with the npm package that starts Connect. They also use the
// page of moneykit-sandbox.
package browsertest
