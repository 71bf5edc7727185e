/** What is replicated, over HTTP: how it stands, and its pausing and resuming. */
import { type Context, Hono } from "hono";
import { type Pause, pause, pausesIn, resume } from "../../engine/pauses.ts";
import type { ConsoleOptions } from "../options.ts";
import { overviewOf } from "../overview.ts";
import type { KnownReplication, Replication } from "../replications.ts";

export function replicationRoutes(options: ConsoleOptions): Hono {
  const { ledger, replications, clock, onPaused } = options;
  const app = new Hono();
  app.get("/status", async (c) => c.json(await overviewOf(options, c.req.query("bucket"))));
  app.get("/replications", async (c) => {
    const pauses = await pausesIn(ledger);
    return c.json({ replications: (await replications.list()).map((one) => withPause(one, pauses)) });
  });
  const turn = async (c: Context, change?: (bucket: string) => Promise<void>) => {
    const name = c.req.param("name") ?? "";
    const found = await replications.find(name);
    if (found === undefined) return c.json({ error: `nothing is replicated under the name ${name}` }, 404);
    if (change !== undefined) {
      await change(found.bucket);
      onPaused?.();
    }
    return c.json(withPause(found, await pausesIn(ledger)));
  };
  app.get("/replications/:name", (c) => turn(c));
  app.post("/replications/:name/pause", (c) => turn(c, (bucket) => pause(ledger, bucket, clock())));
  app.post("/replications/:name/resume", (c) => turn(c, (bucket) => resume(ledger, bucket)));
  return app;
}

function withPause(replication: Replication, pauses: readonly Pause[]): KnownReplication {
  const paused = pauses.find((one) => one.bucket === replication.bucket);
  return { ...replication, ...(paused === undefined ? {} : { pausedSinceMs: paused.sinceMs }) };
}
