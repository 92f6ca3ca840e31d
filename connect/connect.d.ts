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
// A bundler must leave the import of /connect/connect.js as it is ("external"), or gets a copy of the
// file. TypeScript finds these types in a copy of this file by "paths" in tsconfig.json:
//
//	"paths": { "/connect/connect.js": ["./types/connect.d.ts"] }

/** Prepares Connect. Nothing is opened or sent before one of the methods is called. */
export declare function start<Theme extends object>(exports: ConnectExports<Theme>, options?: Options): Connect;

/**
 * The methods do not need `this`. A page has one Connect open at a time: a second call of link, or of
 * relink with the same link, such as by a double click, returns the promise of the first. Link and
 * relink for anything else reject with the code "busy" meanwhile.
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
	 * Opens Connect to repair one of the user's links. `link` is the handle that {@link Linked} has,
	 * or the link's ID. `params` are further members of the request, for Config.PrepareRelink.
	 */
	relink(link: string, params?: object): Promise<Result>;

	/**
	 * Continues what the page was left for, and resolves to null if there is nothing. Call it when
	 * the page is loaded. It continues
	 *
	 * - after a bank's page that was opened in place of this page: the return page leads back to the
	 *   page that started Connect;
	 * - with a result that the back end could not store before the page was left.
	 *
	 * A redirect URI that is a page of the application itself, rather than the return page of package
	 * connect, passes its own URL: `connect.resume(location.href)`. In a window that Connect has
	 * opened for the bank, this passes the URL to Connect, closes the window, and resolves to null.
	 * Leave the URL when the promise settles: passed again, it rejects with the code "lost".
	 */
	resume(url?: string): Promise<Result | null>;

	/** Disconnects one of the user's links, which is named as for relink. */
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
	/** Why Connect ended, as a sentence for the user. Not there if the user just closed it. */
	message?: string;
	link?: undefined;
	institution?: undefined;
}

export interface Options {
	/**
	 * The URL of the endpoints, Config.Path. The default is the folder that connect.js was loaded
	 * from, which is right unless the page has a copy of the file, and /connect/ in a bundle.
	 */
	base?: string | URL;
	/**
	 * Headers of each request, such as Authorization, or a function that returns them. From a page
	 * of another origin the handler allows no others than Authorization.
	 */
	headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
	/** Whether requests have cookies. The default is "include", also if base has another origin. */
	credentials?: RequestCredentials;
	/** Receives what Connect reports while it is open, in order. */
	onEvent?: (event: ConnectEvent) => void;
	/** Whether events are also posted to the back end. The default is true. */
	events?: boolean;
	/**
	 * Is called before a request is retried, after `seconds`. The message of the error is a sentence
	 * for the user. Results are retried for a minute, for example while the bank is being connected.
	 */
	onWait?: (error: ConnectError, seconds: number) => void;
	/** The default is Connect's own, light. */
	colorScheme?: "light" | "dark" | "auto";
	/** The ID of the element that Connect fills. The default is the whole window. */
	containerID?: string;
	/** How many seconds Connect's pages have to appear. The default is 20. */
	patience?: number;
}

/** What Connect reports on the way. Names are open_oauth, change_screen, success, exit and others. */
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
	 * - "invalid_response": the back end's response is not that of package connect.
	 * - "busy": Connect is open for something else.
	 * - "unreachable": Connect's pages did not appear.
	 * - "blocked": the page's Content-Security-Policy does not allow Connect's pages.
	 * - "host_mismatch": Connect's pages come from another host than Config.Host.
	 * - "lost": there is a return from a bank, but Connect was not started in this window.
	 * - "failed": Connect could not be opened in this page.
	 */
	readonly code: string;
	/** What to do next, one of moneykit.Action: "retry_later", "relink", "fix_the_program", … */
	readonly action: string;
	/** For developers: what is wrong, if it is known. Also written to the console. */
	readonly detail?: string;
	/** The HTTP status of the back end's response, 0 if there is none. */
	readonly status: number;
	/** After how many seconds a retry makes sense, if the back end said so. */
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
	/** The package's theme, over which the theme of the back end is laid. */
	moneyui: Theme;
}

/** An object of the npm package. */
export interface Launcher {
	link(token: string, onSuccess?: (...result: any[]) => void, onExit?: (error: any) => void, onEvent?: (event: any) => void): void;
	relink(token: string, onSuccess?: (...result: any[]) => void, onExit?: (error: any) => void, onEvent?: (event: any) => void): void;
	continue(redirectURL: string, onSuccess?: (...result: any[]) => void, onExit?: (error: any) => void, onEvent?: (event: any) => void): void;
}
