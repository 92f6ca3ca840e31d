package pages

// connectPage is the page in the frame. The bank's own pages open in a window of their own, from
// where the front-end package sends the URL of the return here, and in webviews without windows in
// place of the application's page, which then shows /continue.
const connectPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>MoneyKit in a test</title>
<style>
[hidden]{display:none!important}
body{font:1rem sans-serif;max-width:24rem;margin:3rem auto;background:#fff}
button,input,select{font:inherit;display:block;width:100%;margin:.5rem 0;padding:.5rem}
</style>
<h1>Connect your bank</h1>
<form>
<select name="institution" aria-label="Bank">
{{- range .Banks}}
<option value="{{.ID}}"{{if .OAuth}} data-oauth{{end}}{{if .Usernames}} data-usernames{{end}}>{{.Name}}</option>
{{- end}}
</select>
<input name="username" aria-label="User name" placeholder="user_good" hidden>
<button>Continue</button>
<button type="button" id="leave">Close</button>
</form>
<script type="module">
const query = new URLSearchParams(location.search);
const linkSessionToken = query.get("linkSessionToken") ?? "";
const post = (message) => parent.postMessage(message, query.get("origin"));
const form = document.querySelector("form");
let bank;

async function play(step) {
  form.hidden = true;
  const answer = await fetch("/connect/play", {method: "POST", body: JSON.stringify({linkSessionToken, ...step})});
  (await answer.json()).forEach(post);
}

function show() {
  form.username.hidden = !("usernames" in form.institution.selectedOptions[0].dataset);
}

form.institution.addEventListener("change", show);
show();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!("oauth" in form.institution.selectedOptions[0].dataset)) {
    play({institution: form.institution.value, username: form.username.hidden ? "" : form.username.value});
    return;
  }
  const page = "/connect/bank?linkSessionToken=" + encodeURIComponent(linkSessionToken);
  bank?.close(); // one at a time: the other's answer would not be heard
  bank = open(page);
  if (!bank) {
    top.location.href = new URL(page, location).href;
  }
});
document.querySelector("#leave").addEventListener("click", () => play({leave: true}));
addEventListener("message", (event) => {
  if (bank && event.source === bank && event.data?.moneykit && event.data.type === "link.resume") {
    bank.close();
    play({redirectURL: event.data.eventData.redirectURL});
  }
});

post({moneykit: true, type: "connect.started", data: {}});
if (location.pathname === "/continue") {
  play({redirectURL: query.get("redirectURL")});
}
</script>
</html>
`

// bankPage is the OAuth Bank's own.
const bankPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>OAuth Bank</title>
<link rel="icon" href="data:,">
<style>
body{font:1rem sans-serif;max-width:24rem;margin:3rem auto}
button{font:inherit;display:block;width:100%;margin:.5rem 0;padding:.5rem}
</style>
<h1>OAuth Bank</h1>
{{with .}}
<p>This cannot go on: {{.DisplayedMessage}}.</p>
{{else}}
<p>MoneyKit would like to see your accounts.</p>
<form method="post">
<button name="answer" value="allow">Allow</button>
<button name="answer" value="refuse">Refuse</button>
</form>
{{end}}
</html>
`
