/** Metrics on a port of their own, so that who reads them needs no way to the console. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { type Metering, metricsRoutes } from "./routes/metrics.ts";

export interface MetricsServerOptions {
  readonly metering: Metering;
  readonly token: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** @throws the listening error (`EADDRINUSE` when somebody else has the port) */
export async function startMetricsServer({ metering, token, host, port }: MetricsServerOptions): Promise<{
  readonly url: string;
  close(): Promise<void>;
}> {
  const app = new Hono();
  app.route("/", metricsRoutes(metering, token));
  // The ledger is out of reach: Prometheus shows a scrape that failed, and tries again.
  app.onError((error, c) => c.json({ error: error.message }, 503));
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (address) => {
      const close = () =>
        new Promise<void>((closed) => {
          server.close(() => closed());
          if ("closeAllConnections" in server) server.closeAllConnections();
        });
      resolve({ url: `http://${host}:${address.port}`, close });
    });
    server.on("error", reject);
  });
}
