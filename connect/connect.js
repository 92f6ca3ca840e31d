// The front end of MoneyKit Connect for the web. The handler of package connect serves this file.
// Its types and documentation are in connect.d.ts. It has no dependencies: the application passes
// the exports of the npm package @moneykit/connect to start.

/** @import {Connect, ConnectEvent, ConnectExports, Exited, Options, Result} from "./connect.js" */

/**
 * The state that is stored while Connect is open, in case a bank's page replaces this page.
 * @typedef {{id: string, base: string, call: string, link?: string, token: string, host: string,
 *   theme?: object, page: string, left: boolean}} Start
 *
 * A result that the back end has not stored yet. Its token works only once, so this page stores it
 * until then. If another user has logged in meanwhile, the back end refuses it.
 * @typedef {{base: string, link?: string, result: unknown[], at: number}} Pending
 *
 * How Connect ended: with a result, which this page has stored, or with the argument of its exit
 * callback.
 * @typedef {{linked: Pending} | {exited: any}} Ending
 */

const moneyKitHost = "https://connect.moneykit.com";

// The npm package defines the names below.
const frameID = "moneykit-connect-frame";
const tokenKey = "moneykit.linkSessionToken";

// Keys in sessionStorage, and the name of the BroadcastChannel. The return page uses them too.
const startKey = "moneykit.connect.start";
const returnKey = "moneykit.connect.return";
const resultKey = "moneykit.connect.result";
const channelName = "moneykit.connect";

const resultSeconds = 60; // how long a result is retried
const againSeconds = 10; // how long a later retry of a result, or a disconnect, is retried
const pendingLife = 15 * 60 * 1000;
const maxKeepalive = 60_000; // Browsers limit requests that outlive their page to 64 KiB.

const sayOffline = "We could not reach the server. Please check your internet connection and try again.";
const sayTrouble = "Something went wrong on our side. Please try again later.";
const sayUnreachable = "We could not open the page to connect your bank. Please check your internet connection and try again.";
const sayStorage = "Your browser does not let this page store data. Please allow cookies and site data for it, and try again.";
const sayBusy = "Please finish connecting your bank first.";
const sayLost = "We could not find where you started. Please start connecting your bank again.";

export class ConnectError extends Error {
  /**
   * @param {string} message
   * @param {{code: string, action?: string, status?: number, detail?: string, retryAfter?: number, cause?: unknown}} about
   */
  constructor(message, { code, action = "fix_the_program", status = 0, detail, retryAfter, cause }) {
    super(message, { cause });
    this.name = "ConnectError";
    this.code = code;
    this.action = action;
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/**
 * What is open in this page. All objects from start share it, because the npm package's frame fills
 * the page.
 * @type {{key: string, owner: object, promise: Promise<any>} | null}
 */
let running = null;

/**
 * @template {object} Theme
 * @param {ConnectExports<Theme>} exports
 * @param {Options} [options]
 * @returns {Connect}
 */
export function start(exports, options = {}) {
  if (typeof exports?.MoneyKit !== "function" || typeof exports.moneyui !== "object") {
    throw new TypeError('start needs the exports of @moneykit/connect: import MoneyKit, { moneyui } from "@moneykit/connect"; start({ MoneyKit, moneyui })');
  }
  const server = newServer(options);
  const { base } = server;
  const report = newReporter(server, options);
  const owner = {};

  /**
   * Runs one call at a time. A second call with the same key returns the same promise.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  function once(key, run) {
    if (running) {
      return running.key === key && running.owner === owner
        ? running.promise
        : Promise.reject(new ConnectError(sayBusy, { code: "busy", action: "none" }));
    }
    const promise = run().then(
      (value) => { running = null; return value; },
      (error) => { running = null; throw inWords(error); },
    );
    running = { key, owner, promise };
    return promise;
  }

  /** @returns {Pending | null} */
  function pendingResult() {
    const pending = read(resultKey);
    return pending?.base === base && Date.now() - pending.at < pendingLife ? pending : null;
  }

  /**
   * Posts a result until the back end has stored or refused it.
   * @param {Pending} pending
   * @param {number} seconds
   * @returns {Promise<Result>}
   */
  async function deliver(pending, seconds) {
    try {
      const result = await server.insist("result", { result: pending.result, link: pending.link }, seconds);
      if (typeof result?.outcome !== "string") throw server.invalid(200, "a response without outcome");
      write(resultKey, null);
      return result;
    } catch (error) {
      if (!mayBeStoredLater(error)) write(resultKey, null);
      throw error;
    }
  }

  /**
   * @param {any} error what Connect passed to its exit callback
   * @param {string} [link]
   * @returns {Promise<Result>}
   */
  async function deliverExit(error, link) {
    try {
      return await server.send("result", { result: [error ?? null], link });
    } catch (failure) {
      console.warn("MoneyKit Connect: the back end was not told that the user left.", describe(failure));
      /** @type {Exited} */
      const result = { outcome: "exited" };
      if (error?.displayed_message) result.message = error.displayed_message;
      return result;
    }
  }

  /**
   * @param {string} endpoint
   * @param {string} [link]
   * @param {object} [params]
   * @returns {Promise<Result>}
   */
  async function begin(endpoint, link, params) {
    const pending = pendingResult();
    if (pending) {
      // The result of another link's relink has no token to lose, and its bank may take long.
      const other = pending.link !== link && typeof pending.result[0] !== "string";
      try {
        const result = await deliver(pending, other ? 0 : againSeconds);
        if (pending.link === link) return result; // The user has asked for this link again.
      } catch (error) {
        if (mayBeStoredLater(error) && !other) throw error;
      }
    }
    // Applications often pass link as a click handler, which gets the event as its argument.
    const members = typeof params === "object" && !isEvent(params) ? params : {};
    const launch = await server.send(endpoint, { ...members, link });
    if (typeof launch?.link_session_token !== "string" || !["link", "relink"].includes(launch.call)) {
      throw server.invalid(200, "a response without link_session_token and call");
    }
    /** @type {Start} */
    const started = {
      id: `${Date.now()}-${Math.random()}`, base, call: launch.call, link, token: launch.link_session_token,
      host: launch.host || moneyKitHost, theme: launch.theme, page: location.href, left: false,
    };
    write(startKey, started);
    return finish(started, await open(exports, options, report, started));
  }

  /**
   * @param {Start} started
   * @param {Ending} ending
   */
  function finish(started, ending) {
    write(startKey, null);
    return "exited" in ending ? deliverExit(ending.exited, started.link) : deliver(ending.linked, resultSeconds);
  }

  /** @param {string} url */
  async function continueAt(url) {
    /** @type {Start | null} */
    const started = read(startKey);
    const pending = pendingResult();
    if (!started && pending) return deliver(pending, resultSeconds); // The user has reloaded the page at this URL.
    if (started?.base !== base) {
      throw new ConnectError(sayLost, { code: "lost", action: "none", detail: "Connect was not started in this window of this browser, or its endpoints have another URL than " + base });
    }
    started.left = false; // If the page was loaded long ago, no pageshow follows.
    write(startKey, started);
    return finish(started, await open(exports, options, report, started, url));
  }

  return {
    link: (params) => once("link", () => begin("session", undefined, params)),

    relink: (link, params) => once("relink " + link, () => begin("relink", link, params)),

    resume(url) {
      const started = read(startKey);
      if (url !== undefined && window.opener && !started?.left && !running) {
        // Connect has opened this window for the bank, and usually closes it, too.
        new exports.MoneyKit({ __connectSDKUIHost: started?.host ?? moneyKitHost }).continue(url);
        setTimeout(() => window.close(), 1000);
        return Promise.resolve(null);
      }
      const returned = url ?? handedOver(started);
      const pending = pendingResult();
      if (returned !== null) {
        return once("resume", () => continueAt(returned));
      }
      if (running?.key === "resume" && running.owner === owner) return running.promise;
      if (!pending || running) return Promise.resolve(null);
      return once("resume", () => deliver(pending, resultSeconds));
    },

    disconnect: async (link) => {
      try {
        await server.insist("disconnect", { link }, againSeconds);
      } catch (error) {
        throw inWords(error);
      }
    },
  };
}

/**
 * Returns the URL that the return page has stored for this page, and removes it.
 * @param {Start | null} started
 * @returns {string | null}
 */
function handedOver(started) {
  const returned = read(returnKey);
  write(returnKey, null);
  return returned && returned.id === started?.id ? returned.url : null;
}

/**
 * Opens Connect's frame, or continues in it after a bank's page, and waits until Connect ends.
 * @template {object} Theme
 * @param {ConnectExports<Theme>} exports
 * @param {Options} options
 * @param {(event: ConnectEvent) => void} report
 * @param {Start} started
 * @param {string} [returned] the URL of the return from the bank
 * @returns {Promise<Ending>}
 */
function open({ MoneyKit, moneyui }, options, report, started, returned) {
  const { host, token } = started;
  const theme = started.theme && /** @type {Theme} */ (merge(moneyui, started.theme));
  const focused = document.activeElement;
  const done = new AbortController(); // removes the listeners below
  const { signal } = done;
  /** @type {HTMLIFrameElement | null} */
  let frame = null;
  let appeared = false;
  let opened = Date.now();
  let round = 0; // Callbacks of an earlier round are ignored.

  return new Promise((resolve, reject) => {
    /** @param {() => void} settle */
    const end = (settle) => {
      if (signal.aborted) return;
      done.abort();
      // The package removes its frame after the same time, so that Connect can fade out.
      setTimeout(() => {
        frame?.remove();
        if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
        settle();
      }, 300);
    };
    /** @param {unknown[]} result */
    const complete = (result) => {
      if (signal.aborted) return;
      const linked = { base: started.base, link: started.link, result, at: Date.now() };
      write(resultKey, linked); // The user may leave the page while Connect fades out.
      write(startKey, null);
      end(() => resolve({ linked }));
    };
    /** @param {string} message @param {string} code @param {string} detail @param {unknown} [cause] */
    const fail = (message, code, detail, cause) => {
      round++;
      frame?.remove();
      const action = code === "unreachable" ? "retry_later" : "fix_the_program";
      end(() => reject(new ConnectError(message, { code, action, detail, cause })));
    };

    /** @param {string | undefined} url */
    const show = (url) => {
      const mine = ++round;
      frame?.remove();
      frame = null;
      appeared = false;
      opened = Date.now();
      /** @param {unknown[]} result */
      const onSuccess = (...result) => { if (mine === round) complete(result); };
      /** @param {any} error */
      const onExit = (error) => { if (mine === round) end(() => resolve({ exited: error })); };
      /** @param {ConnectEvent} event */
      const onEvent = (event) => { if (mine === round) report(event); };
      try {
        if (document.getElementById(frameID)) throw new Error("Connect is open already");
        // All objects of the package share the host that was set last, so it is always set.
        const launcher = new MoneyKit({
          theme, colorScheme: options.colorScheme, containerID: options.containerID, __connectSDKUIHost: host,
        });
        if (url === undefined) {
          launcher[started.call === "relink" ? "relink" : "link"](token, onSuccess, onExit, onEvent);
        } else {
          localStorage.setItem(tokenKey, token); // Connect in another tab may have changed it.
          withoutOpener(() => launcher.continue(url, onSuccess, onExit, onEvent));
        }
      } catch (error) {
        const storage = error instanceof DOMException && error.name === "SecurityError";
        fail(storage ? sayStorage : sayTrouble, "failed", String(error), error);
        return;
      }
      frame = /** @type {HTMLIFrameElement | null} */ (document.getElementById(frameID));
      if (!frame) {
        fail(sayTrouble, "failed", "the package @moneykit/connect did not add its frame #" + frameID);
        return;
      }
      frame.title = "Connect your bank";
      // In a page with a dark color scheme, browsers give a frame without one an opaque background.
      frame.style.colorScheme = "normal";
      checkOrigin(originOf(frame.src));
    };

    /** @param {string} origin */
    const checkOrigin = (origin) => {
      if (origin === host) return;
      fail(sayTrouble, "host_mismatch", `Connect's pages come from ${origin}, but the back end says ${host}: ` +
        "set connect.Config.Host to where they come from, and use a version of @moneykit/connect that has the option __connectSDKUIHost");
    };

    window.addEventListener("message", ({ source, origin, data }) => {
      if (!frame || source !== frame.contentWindow || !data?.moneykit) return;
      appeared = true;
      checkOrigin(origin);
      // The package ignores this result, so the user would wait forever.
      if (data.type === "link.complete" && !data.data?.exchangeableToken) {
        complete([data.data?.institution ?? null, data.data?.link_id ?? ""]);
      }
    }, { signal });

    document.addEventListener("securitypolicyviolation", (event) => {
      if (event.disposition === "enforce" && event.effectiveDirective === "frame-src" && originOf(event.blockedURI) === host) {
        fail(sayTrouble, "blocked", `the page's Content-Security-Policy does not allow Connect's pages: add "frame-src ${host}"`);
      }
    }, { signal });

    // Browsers do not report that a frame failed to load, so this waits for its first message.
    const patience = options.patience ?? 20;
    const watch = setInterval(() => {
      if (frame && !frame.isConnected) {
        round++; // The package still listens, and would mix up the events of both frames.
        end(() => resolve({ exited: null })); // The application has removed it.
      } else if (!appeared && Date.now() - opened > patience * 1000) {
        fail(sayUnreachable, "unreachable", `Connect's pages at ${host} did not answer within ${patience} seconds: ` +
          `they cannot be reached, or may not be shown in a frame of ${location.origin}` +
          (window.crossOriginIsolated ? "; this page's Cross-Origin-Embedder-Policy refuses frames that do not have one, too" : ""));
      }
    }, 250);
    signal.addEventListener("abort", () => clearInterval(watch));

    // The return page must know whether this page was left or waits for a window of the bank. Such
    // a window gets a copy of sessionStorage when it is opened.
    window.addEventListener("pagehide", () => write(startKey, { ...started, left: true }), { signal });
    window.addEventListener("pageshow", () => write(startKey, { ...started, left: false }), { signal });

    listen(started, signal, {
      returned: (url) => {
        console.warn("MoneyKit Connect: the bank's window has lost the page that opened it. Pages that start Connect need " +
          "the header Cross-Origin-Opener-Policy: same-origin-allow-popups, or none.");
        show(url);
      },
      host: (theirs) => {
        if (theirs !== host) {
          fail(sayTrouble, "host_mismatch", `the return page expects Connect's pages at ${theirs}, but the back end says ${host}: ` +
            "set connect.Config.Host, and leave ReturnPageConfig.Host empty or set it to the same");
        }
      },
    });
    show(returned);
  });
}

/**
 * Exchanges messages with the return page in a window that has lost its opener.
 * @param {Start} started
 * @param {AbortSignal} signal
 * @param {{returned: (url: string) => void, host: (host: string) => void}} on
 */
function listen(started, signal, on) {
  if (typeof BroadcastChannel !== "function") return;
  const channel = new BroadcastChannel(channelName);
  signal.addEventListener("abort", () => channel.close());
  channel.onmessage = ({ data }) => {
    if (data?.type === "who" && (!data.id || data.id === started.id)) {
      channel.postMessage({ type: "me", id: started.id });
    } else if (data?.type === "return" && data.id === started.id) {
      channel.postMessage({ type: "taken", id: started.id });
      on.returned(data.url);
    } else if (data?.type === "passed" && data.id === started.id) {
      on.host(data.host);
    }
  };
}

/**
 * Runs without window.opener, because the package assumes that it opened a window with an opener.
 * @param {() => void} run
 */
function withoutOpener(run) {
  const own = Object.getOwnPropertyDescriptor(window, "opener");
  if (!window.opener || !own?.configurable) {
    run();
    return;
  }
  Object.defineProperty(window, "opener", { value: null, configurable: true });
  try {
    run();
  } finally {
    Object.defineProperty(window, "opener", own);
  }
}

/**
 * Returns functions that post to the endpoints of package connect.
 * @param {Options} options
 */
function newServer(options) {
  const base = baseURL(options.base);

  /** @param {number} status @param {string} what @param {number} [retryAfter] */
  const invalid = (status, what, retryAfter) => new ConnectError(sayTrouble, {
    code: "invalid_response", action: isTemporary(status) ? "retry_later" : "fix_the_program", status, retryAfter,
    detail: `the endpoints at ${base} answered with ${what}: set the option base to the URL of connect.Config.Path`,
  });

  /**
   * Posts once, and returns the JSON of the response.
   * @param {string} endpoint
   * @param {object} body
   * @param {{seconds?: number, keepalive?: boolean}} [how]
   * @returns {Promise<any>}
   */
  async function send(endpoint, body, { seconds = 75, keepalive = false } = {}) {
    const json = JSON.stringify(body);
    const given = options.headers;
    const headers = new Headers(typeof given === "function" ? await given() : given);
    headers.set("Content-Type", "application/json");
    let response, text;
    try {
      response = await fetch(base + endpoint, {
        method: "POST", headers, body: json, cache: "no-store", credentials: options.credentials ?? "include",
        keepalive: keepalive && json.length * 3 < maxKeepalive, signal: AbortSignal.timeout(seconds * 1000),
      });
      text = await response.text();
    } catch (error) {
      const other = originOf(base) === location.origin ? "" : `, or connect.Config.TrustedOrigins does not have ${location.origin}`;
      throw new ConnectError(sayOffline, {
        code: "offline", action: "retry_later", detail: `${base + endpoint} could not be reached${other}: ${error}`, cause: error,
      });
    }
    if (response.ok && !text) return null;
    const data = parse(text);
    if (response.ok && data && typeof data === "object") return data;
    const { status, headers: about } = response;
    const retryAfter = Number(data?.error?.retry_after ?? about.get("Retry-After")) || undefined;
    if (typeof data?.error?.message !== "string") {
      throw invalid(status, `status ${status} and ${about.get("Content-Type") ?? "no content"}`, retryAfter);
    }
    const { code, action, message, detail } = data.error;
    throw new ConnectError(message, { code: String(code), action: String(action), status, detail, retryAfter });
  }

  /**
   * Posts, and retries for this time until the response is final.
   * @param {string} endpoint
   * @param {object} body
   * @param {number} seconds
   * @returns {Promise<any>}
   */
  async function insist(endpoint, body, seconds) {
    const deadline = Date.now() + seconds * 1000;
    for (let delay = 1; ; delay = Math.min(delay * 2, 8)) {
      try {
        return await send(endpoint, body, { keepalive: true });
      } catch (error) {
        if (!(error instanceof ConnectError) || !isTransient(error)) throw error;
        const wait = Math.max(error.retryAfter ?? 0, delay);
        if (Date.now() + wait * 1000 > deadline) throw error;
        quietly(() => options.onWait?.(error, wait));
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      }
    }
  }
  return { base, send, insist, invalid };
}

/**
 * Returns a function that passes events to the application and, one after the other, to the back
 * end.
 * @param {ReturnType<typeof newServer>} server
 * @param {Options} options
 * @returns {(event: ConnectEvent) => void}
 */
function newReporter(server, options) {
  /** @type {ConnectEvent[]} */
  const queue = [];
  let posting = false;
  const post = (/** @type {ConnectEvent} */ event) => server.send("event", event, { seconds: 10, keepalive: true })
    .catch((error) => console.warn("MoneyKit Connect: an event was not posted.", describe(error)));

  window.addEventListener("pagehide", () => queue.splice(0).forEach(post));
  return async (event) => {
    quietly(() => options.onEvent?.(event));
    if (options.events === false) return;
    queue.push(event);
    if (posting) return;
    posting = true;
    for (let next = queue.shift(); next; next = queue.shift()) await post(next);
    posting = false;
  };
}

/**
 * Returns the URL of the endpoints, with a slash at its end.
 * @param {string | URL} [given]
 */
function baseURL(given) {
  const own = import.meta.url ?? ""; // Some bundlers leave it empty, others set it to their own file.
  const folder = /\/connect\.js(\?|$)/.test(own) ? new URL("./", own) : "/connect/";
  const url = new URL(given ?? folder, location.href);
  return url.origin + url.pathname.replace(/\/*$/, "/");
}

/**
 * Merges two themes, member by member. Members of over override members of under.
 * @param {any} under
 * @param {any} over
 * @returns {any}
 */
function merge(under, over) {
  if (!isObject(under) || !isObject(over)) return over === undefined ? under : over;
  const merged = { ...under };
  for (const [name, value] of Object.entries(over)) merged[name] = merge(under[name], value);
  return merged;
}

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reports whether a value is an event of the browser or of React.
 * @param {any} value
 */
const isEvent = (value) => value instanceof Event || value?.nativeEvent instanceof Event;

/** @param {number} status */
const isTemporary = (status) => status === 0 || status === 408 || status === 429 || status >= 500;

/** @param {ConnectError} error */
const isTransient = (error) => isTemporary(error.status) || ["wait", "retry_later"].includes(error.action);

/**
 * Reports whether a result that was not stored may be stored later, for example after a new login.
 * @param {unknown} error
 */
const mayBeStoredLater = (error) => !(error instanceof ConnectError) ||
  isTransient(error) || error.status === 401 || error.code === "invalid_response";

/**
 * Returns an error whose message is a sentence for the user, and writes its detail to the console.
 * @param {unknown} error
 */
function inWords(error) {
  const told = error instanceof ConnectError
    ? error
    : new ConnectError(sayTrouble, { code: "failed", detail: String(error), cause: error });
  if (told.detail) console.error("MoneyKit Connect: " + describe(told));
  return told;
}

/** @param {unknown} error */
const describe = (error) => error instanceof ConnectError ? `${error.code}: ${error.detail ?? error.message}` : String(error);

/**
 * Calls a function of the application. Its errors must not end Connect.
 * @param {() => void} run
 */
function quietly(run) {
  try {
    run();
  } catch (error) {
    console.error(error);
  }
}

/** @param {string} url */
function originOf(url) {
  try {
    return new URL(url).origin;
  } catch {
    return url;
  }
}

/** @param {string | null} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} key @returns {any} */
function read(key) {
  try {
    return parse(sessionStorage.getItem(key));
  } catch {
    return null; // The browser does not allow storage. Connect reports this if it needs storage.
  }
}

/** @param {string} key @param {object | null} value */
function write(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // As in read. Without storage, a return from a bank in this window is lost.
  }
}
