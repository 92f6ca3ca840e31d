import MoneyKit, { moneyui } from "@moneykit/connect";
import { start } from "/connect/connect.js";

const connect = start({ MoneyKit, moneyui });
const show = (result) => {
  document.querySelector("#status").textContent = result.message ?? `${result.institution?.name ?? "Connect"}: ${result.outcome}`;
};
document.querySelector("#link").onclick = () => connect.link().then(show, show);
document.querySelectorAll(".relink").forEach((button) => { button.onclick = () => connect.relink(button.value).then(show, show); });
connect.resume().then((result) => result && show(result), show);
