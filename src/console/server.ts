/** The console on a port: on the loopback interface, or elsewhere where that is safe or was asked for in so many words. */
import { createServer as createSecureServer } from "node:https";
import { serve } from "@hono/node-server";
import { createApi } from "./api.ts";
import { isLoopback } from "./auth/origins.ts";
import type { ConsoleOptions } from "./options.ts";

export interface ConsoleServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Where it listens. */
export interface ConsolePlace {
  readonly host: string;
  /** 0: any free one */
  readonly port: number;
  /** PEM */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Somebody takes it upon himself that tokens and passwords go over a network as they are. */
  readonly insecure?: boolean;
}

/** Why the console does not listen there; undefined when it does. */
export function whyNotThere({ host, tls, insecure = false }: ConsolePlace): string | undefined {
  if (isLoopback(host) || tls !== undefined || insecure) return undefined;
  return `at ${host} others on the network could read the console's token and passwords`;
}

/** @throws the listening error (`EADDRINUSE` when somebody else has the port), and what is wrong with the certificate */
export async function startConsole(options: ConsoleOptions & ConsolePlace): Promise<ConsoleServer> {
  const { host, port, tls } = options;
  const api = createApi({ ...options, isSecure: tls !== undefined });
  const secure =
    tls === undefined
      ? {}
      : { createServer: createSecureServer, serverOptions: { cert: tls.certificate, key: tls.key } };
  const shown = host.includes(":") ? `[${host}]` : host;
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: api.app.fetch, hostname: host, port, ...secure }, (address) => {
      resolve({
        url: `${tls === undefined ? "http" : "https"}://${shown}:${address.port}`,
        close: () =>
          new Promise((closed) => {
            api.close();
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
    server.on("error", reject);
  });
}
