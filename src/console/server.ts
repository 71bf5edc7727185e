/** The console on a port of the loopback interface. */
import { serve } from "@hono/node-server";
import { createApi } from "./api.ts";
import type { ConsoleOptions } from "./options.ts";

export interface ConsoleServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param port 0: any free one
 * @throws the listening error (`EADDRINUSE` when somebody else has the port)
 */
export async function startConsole(
  options: ConsoleOptions & { readonly host: string; readonly port: number },
): Promise<ConsoleServer> {
  const app = createApi(options);
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: options.host, port: options.port }, (address) => {
      resolve({
        url: `http://${options.host}:${address.port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
    server.on("error", reject);
  });
}
