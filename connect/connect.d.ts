// Types of connect.js, the front end of MoneyKit Connect for the web. The handler of package connect
// serves both files next to its endpoints:
//
//	import MoneyKit, { moneyui } from "@moneykit/connect";
//	import { start } from "/connect/connect.js";
//
//	const connect = start({ MoneyKit, moneyui });
//	connect.resume().then((result) => result && show(result), show);
//	button.onclick = () => connect.link().then(show, show);
//
// A bundler must leave the import of /connect/connect.js unchanged ("external"), or must be given a
// copy of the file. For TypeScript, copy this file and name the copy in "paths" in tsconfig.json:
//
//	"paths": { "/connect/connect.js": ["./types/connect.d.ts"] }

/** Prepares Connect. It opens and sends nothing. */
export declare function start<Theme extends object>(exports: ConnectExports<Theme>, options?: Options): Connect;

/**
 * The methods do not need `this`. A page has one Connect open at a time. A second call of link, or
 * of relink with the same link, returns the promise of the first, for example after a double click.
 * Other calls of link and relink reject with the code "busy" while Connect is open.
 */
export interface Connect {
	/**
	 * Opens Connect to link a bank. The promise resolves when the back end has stored the link, or
	 * when the user has left Connect. It rejects with a {@link ConnectError}.
	 *
	 * `params` is the body of the request for a session, which Config.PrepareLink can read.
	 */
	link(params?: object): Promise<Result>;

	/**
	 * Opens Connect to repair one of the user's links. `link` is the handle from {@link Linked}, or
	 * the link's ID. `params` are further members of the request, for Config.PrepareRelink.
	 */
	relink(link: string, params?: object): Promise<Result>;

	/**
	 * Continues after the user has left the page, and resolves to null if there is nothing to
	 * continue. Call it when the page is loaded. It continues
	 *
	 * - after a bank's page that was opened in place of this page: the return page leads back to the
	 *   page that started Connect;
	 * - with a result that the back end could not store before the page was left.
	 *
	 * A redirect URI that is a page of the application itself, rather than the return page of
	 * package connect, passes its own URL: `connect.resume(location.href)`. In a window that
	 * Connect has opened for the bank, this passes the URL to Connect, closes the window, and
	 * resolves to null. Navigate away from the URL when the promise settles: resume rejects with
	 * the code "lost" if it gets the same URL again.
	 */
	resume(url?: string): Promise<Result | null>;

	/** Disconnects one of the user's links. `link` is its handle or its ID, as for relink. */
	disconnect(link: string): Promise<void>;
}

export type Result = Linked | Exited;

/** The user has linked or relinked a bank, and the back end has verified and stored it. */
export interface Linked {
	outcome: "linked" | "relinked";
	/** The handle of the link, for relink and disconnect. It is not the link's ID. */
	link: string;
	institution: { id: string; name: string; avatar?: string };
	message?: undefined;
}

/** The user has left Connect without a link. */
export interface Exited {
	outcome: "exited";
	/** Why Connect ended, as a sentence for the user. Missing if the user just closed it. */
	message?: string;
	link?: undefined;
	institution?: undefined;
}

export interface Options {
	/**
	 * The URL of the endpoints, Config.Path. The default is the folder that connect.js was loaded
	 * from, or /connect/ in a bundle. Set it if the page has its own copy of connect.js.
	 */
	base?: string | URL;
	/**
	 * Headers of each request, such as Authorization, or a function that returns them. From pages
	 * of another origin the handler allows only Authorization.
	 */
	headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
	/** Whether requests send cookies. The default is "include", even if base has another origin. */
	credentials?: RequestCredentials;
	/** Is called with each event of Connect, in order. */
	onEvent?: (event: ConnectEvent) => void;
	/** Whether events are also posted to the back end. The default is true. */
	events?: boolean;
	/**
	 * Is called before the wait of `seconds` that precedes a retry. The message of the error is a
	 * sentence for the user. Results are retried for a minute, for example while the bank is being
	 * connected.
	 */
	onWait?: (error: ConnectError, seconds: number) => void;
	/** The default is light. */
	colorScheme?: "light" | "dark" | "auto";
	/** The ID of the element that Connect fills. The default is the whole window. */
	containerID?: string;
	/** How many seconds to wait for Connect's pages to appear. The default is 20. */
	patience?: number;
}

/** An event of Connect. Names are open_oauth, change_screen, success, exit and others. */
export interface ConnectEvent {
	name: string;
	properties?: Record<string, unknown>;
	meta?: Record<string, unknown>;
}

/** An error whose message is a sentence for the user. */
export declare class ConnectError extends Error {
	/**
	 * A code of the back end, see the documentation of package connect, or one of these:
	 *
	 * - "offline": the back end could not be reached.
	 * - "invalid_response": the back end's response is not a response of package connect.
	 * - "busy": Connect is open for another call.
	 * - "unreachable": Connect's pages did not appear.
	 * - "blocked": the page's Content-Security-Policy does not allow Connect's pages.
	 * - "host_mismatch": Connect's pages come from another host than Config.Host.
	 * - "lost": the user returned from a bank, but Connect was not started in this window.
	 * - "failed": Connect could not be opened in this page.
	 */
	readonly code: string;
	/** What to do next, one of moneykit.Action: "retry_later", "relink", "fix_the_program", … */
	readonly action: string;
	/** For developers: what is wrong, if it is known. Also written to the console. */
	readonly detail?: string;
	/** The HTTP status of the back end's response, 0 if there is none. */
	readonly status: number;
	/** How many seconds to wait before a retry, if the back end sent a number. */
	readonly retryAfter?: number;
}

/** The exports of the npm package that connect.js needs. MoneyKit is its default export. */
export interface ConnectExports<Theme extends object> {
	MoneyKit: new (options?: {
		theme?: Theme;
		colorScheme?: "light" | "dark" | "auto";
		containerID?: string;
		__connectSDKUIHost?: string;
	}) => Launcher;
	/** The package's theme. Members of the back end's theme override its members. */
	moneyui: Theme;
}

/** An object of the npm package. */
export interface Launcher {
	link(token: string, onSuccess?: (...result: any[]) => void, onExit?: (error: any) => void, onEvent?: (event: any) => void): void;
	relink(token: string, onSuccess?: (...result: any[]) => void, onExit?: (error: any) => void, onEvent?: (event: any) => void): void;
	continue(redirectURL: string, onSuccess?: (...result: any[]) => void, onExit?: (error: any) => void, onEvent?: (event: any) => void): void;
}
