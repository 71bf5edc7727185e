/** What is replicated, over HTTP: how it stands, and its pausing and resuming. */
import { z } from "zod";
import { type Pause, pause, pausesIn, resume } from "../../engine/pauses.ts";
import { ApiError } from "../errors.ts";
import type { ConsoleOptions } from "../options.ts";
import { overviewOf } from "../overview.ts";
import type { KnownReplication, Replication } from "../replications.ts";
import type { ApiContext, Route } from "./route.ts";

const statusQuery = z.object({ bucket: z.string().optional() });

export function replicationRoutes(options: ConsoleOptions): readonly Route[] {
  const { ledger, replications, clock, onPaused } = options;
  const turn = async (c: ApiContext, change?: (bucket: string) => Promise<void>) => {
    const name = c.req.param("name") ?? "";
    const found = await replications.find(name);
    if (found === undefined) throw new ApiError(404, `nothing is replicated under the name ${name}`);
    if (change !== undefined) {
      await change(found.bucket);
      onPaused?.();
    }
    return c.json(withPause(found, await pausesIn(ledger)));
  };
  return [
    {
      method: "GET",
      path: "/status",
      access: "viewer",
      does: "Tells how everything stands, or what is replicated from one bucket",
      query: statusQuery,
      answers: "Overview",
      run: async (c) => c.json(await overviewOf(options, statusQuery.parse(c.req.query()).bucket)),
    },
    {
      method: "GET",
      path: "/replications",
      access: "viewer",
      does: "Lists what is replicated",
      answers: "{replications: KnownReplication[]}",
      run: async (c) => {
        const pauses = await pausesIn(ledger);
        return c.json({ replications: (await replications.list()).map((one) => withPause(one, pauses)) });
      },
    },
    {
      method: "GET",
      path: "/replications/:name",
      access: "viewer",
      does: "Tells of one replication, by its name or its bucket's",
      answers: "KnownReplication",
      run: (c) => turn(c),
    },
    {
      method: "POST",
      path: "/replications/:name/pause",
      access: "operator",
      does: "Pauses a replication",
      answers: "KnownReplication",
      run: (c) => turn(c, (bucket) => pause(ledger, bucket, clock())),
    },
    {
      method: "POST",
      path: "/replications/:name/resume",
      access: "operator",
      does: "Resumes a replication",
      answers: "KnownReplication",
      run: (c) => turn(c, (bucket) => resume(ledger, bucket)),
    },
  ];
}

function withPause(replication: Replication, pauses: readonly Pause[]): KnownReplication {
  const paused = pauses.find((one) => one.bucket === replication.bucket);
  return { ...replication, ...(paused === undefined ? {} : { pausedSinceMs: paused.sinceMs }) };
}
