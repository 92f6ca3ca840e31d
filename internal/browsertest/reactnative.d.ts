// The declarations of React Native and of MoneyKit's package for it that the code in
// docs/react-native.md needs. The npm registry does not have that package. The members are those
// that its version 2.9.0 declares.

declare module "react-native" {
  export const Alert: { alert(title: string): void };
  export const Linking: {
    addEventListener(type: "url", handler: (event: { url: string }) => void): { remove(): void };
  };
}

declare module "@moneykit/connect-react-native" {
  type Wrapped = { value: string };
  type Success = {
    institution: {
      id: string;
      name: string;
      country: string;
      domain: string | null;
      color: string;
      colorDark: string | null;
      avatar: string;
      avatarDark: string | null;
      logo: string | null;
      logoDark: string | null;
    };
    accounts: { id: string; name: string; type: string; mask: string | null }[];
    token: Wrapped | null;
    linkIdentifier: Wrapped | null;
    trackedScreens: { name: string; duration: number; requestTime: number | null }[];
  };
  type Failure = { identifier: string; displayedMessage: string; requestId: string | null };
  type Event = { name: string; sessionId: string; properties: Record<string, unknown> };

  export function presentLinkFlow(configuration: {
    linkSessionToken: string;
    onSuccess: (payload: Success) => void;
    onExit: (error: Failure | null) => void;
    onEvent?: (event: Event) => void;
  }): Promise<void>;
  export function continueFlow(url: string): Promise<void>;
}
