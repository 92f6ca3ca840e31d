// Links a bank and copies its transactions, as an application in JavaScript does: with fetch, and
// without a client of MoneyKit's.
//
//	node flow.mjs BASE_URL CLIENT_ID CLIENT_SECRET
//
// It prints what it read as one line of JSON.

import assert from "node:assert/strict";

const [base, id, secret] = process.argv.slice(2);
let token = "";

// call sends a request and returns the body of the response, which must have this status.
async function call(status, method, path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.equal(response.status, status, `${method} ${path}: ${text}`);
  if (status === 204) return assert.equal(text, "");
  assert.equal(response.headers.get("Content-Type"), "application/json");
  return JSON.parse(text);
}

async function newToken() {
  const response = await fetch(`${base}/auth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  assert.equal(response.status, 201);
  const body = await response.json();
  assert.deepEqual([body.token_type, body.expires_in], ["bearer", 3600]);
  return body.access_token;
}

// Without a token the response is an error with a code.
const refused = await call(401, "GET", "/links");
assert.equal(refused.error_code, "api_error.auth.unauthorized");
token = await newToken();

const user = "user 1/ü";
const session = await call(201, "POST", "/link-session", {
  customer_user: { id: user, email: null },
  redirect_uri: "https://app.test/oauth",
  link_tags: ["node"],
  settings: { products: { transactions: { prefetch: true, reason: null } } },
});

// The user goes through Connect. The callback has the token, the institution and the link's id.
const play = await call(200, "POST", "/moneykittest/play", { link_session_token: session.link_session_token, source: "web" });
const [exchangeable, institution, linkID] = play.result;

const exchanged = await call(201, "POST", "/link-session/exchange-token", { exchangeable_token: exchangeable });
const link = exchanged.link;
assert.equal(link.link_id, linkID);
assert.equal(link.state, "connected");
assert.equal(link.institution_id, institution.id);
assert.deepEqual(link.link_tags, ["node"]);
const again = await call(400, "POST", "/link-session/exchange-token", { exchangeable_token: exchangeable });
assert.equal(again.error_code, "link_session_error.invalid_token_exchange");

const { accounts } = await call(200, "GET", `/links/${linkID}/accounts`);
assert.deepEqual(accounts.map((a) => a.account_id), institution.selectedAccounts.map((a) => a.account_id));
assert.ok(accounts.every((a) => typeof a.balances.current === "number"));

// sync reads the changes since a cursor, page by page, into rows.
async function sync(rows, cursor) {
  for (let pages = 1; ; pages++) {
    const page = await call(200, "GET", `/links/${linkID}/transactions/sync?${new URLSearchParams({ cursor, size: 25 })}`);
    for (const row of [...page.transactions.created, ...page.transactions.updated]) {
      assert.match(row.amount, /^\d+\.\d\d$/);
      rows.set(row.transaction_id, row);
    }
    for (const gone of page.transactions.removed) rows.delete(gone);
    assert.notEqual(page.has_more && page.cursor.next, cursor);
    cursor = page.cursor.next;
    if (!page.has_more) return { cursor, pages };
  }
}
const rows = new Map();
const { cursor, pages } = await sync(rows, "");
assert.ok(pages > 1);
const { transactions, total } = await call(200, "GET", `/links/${linkID}/transactions?size=1000`);
assert.equal(rows.size, total);
for (const row of transactions) assert.deepEqual(rows.get(row.transaction_id), row);

// A refresh replaces pending transactions.
await call(202, "POST", `/links/${linkID}/products`, { products: ["transactions"] });
for (const [key, row] of rows) if (row.pending) rows.delete(key);
await sync(rows, cursor);
const later = await call(200, "GET", `/links/${linkID}/transactions?size=1000`);
assert.equal(rows.size, later.total);

const malformed = await call(422, "GET", `/links/${linkID}/transactions?size=0`);
assert.deepEqual(malformed.validation_errors.map((e) => e.location), [["query", "size"]]);
const links = await call(200, "GET", `/users/${encodeURIComponent(user)}/links`);
assert.deepEqual(Object.keys(links.links), [linkID]);
await call(204, "DELETE", `/links/${linkID}`);
const gone = await call(410, "GET", `/links/${linkID}/accounts`);
assert.equal(gone.error_code, "link_error.deleted");

console.log(JSON.stringify({ accounts: accounts.length, transactions: total, pages }));
