// A sample of an application in TypeScript.
import MoneyKit, { moneyui } from "@moneykit/connect";
import { ConnectError, start, type Connect, type Options, type Result } from "/connect/connect.js";

const status = document.createElement("p");

function show(result: Result) {
  switch (result.outcome) {
    case "linked":
    case "relinked":
      status.textContent = `${result.institution.name} is connected.`;
      return result.link.length;
    case "exited":
      status.textContent = result.message ?? "You have left.";
      return 0;
  }
}

function fail(error: unknown) {
  if (!(error instanceof ConnectError)) throw error;
  status.textContent = error.message;
  if (error.action === "retry_later") console.log(error.code, error.detail?.length, error.retryAfter ?? 0, error.status);
}

const options: Options = {
  base: new URL("https://api.example/connect/"),
  headers: async () => ({ Authorization: "Bearer …" }),
  credentials: "omit",
  colorScheme: "auto",
  containerID: "connect",
  patience: 30,
  onEvent: (event) => console.log(event.name, event.properties?.institution_id),
  onWait: (error, seconds) => { status.textContent = `${error.message} (${seconds} s)`; },
};

const connect: Connect = start({ MoneyKit, moneyui }, options);
const { link, relink, resume, disconnect } = connect;
document.addEventListener("click", () => link({ institution: "chase" }).then(show, fail));
document.addEventListener("keydown", () => relink("link_…", { reason: "more accounts" }).then(show, fail));
resume().then((result) => result && show(result), fail);
resume(location.href).then((result) => result && show(result), fail);
disconnect("link_…").then(() => status.remove(), fail);

// @ts-expect-error The exports are missing.
start({});
// @ts-expect-error A link must be named.
connect.relink();
