/** What runs here, whether it answers, what was changed, and the events of a page that is open. */
import { z } from "zod";
import type { Changes } from "../changes.ts";
import { ApiError } from "../errors.ts";
import type { LiveEvents } from "../events.ts";
import type { ConsoleOptions } from "../options.ts";
import type { WorkRunner } from "../work-runner.ts";
import type { Route } from "./route.ts";

const CHANGES_MAX = 1000;
const changesQuery = z.object({ limit: z.coerce.number().int().min(1).max(CHANGES_MAX).default(200) });

export interface AboutParts extends Pick<ConsoleOptions, "about" | "lab" | "desk" | "users"> {
  readonly changes: Changes;
  readonly events: LiveEvents;
  readonly works: WorkRunner;
}

export function aboutRoutes(parts: AboutParts): readonly Route[] {
  const { about, lab, desk, users, changes, events, works } = parts;
  return [
    {
      method: "GET",
      path: "/health",
      access: "viewer",
      does: "Tells that the console answers",
      answers: "{ok: true}",
      run: (c) => c.json({ ok: true }),
    },
    {
      method: "GET",
      path: "/about",
      access: "viewer",
      does: "Tells what runs here and what can be done",
      answers: "{version, mode, hasLab, lab?, canDiagnose, hasUsers}",
      run: (c) =>
        c.json({
          ...about,
          hasLab: lab !== undefined,
          ...(lab === undefined ? {} : { lab: { endpoint: lab.endpoint } }),
          canDiagnose: desk !== undefined,
          hasUsers: (users?.size ?? 0) > 0,
        }),
    },
    {
      method: "GET",
      path: "/changes",
      access: "viewer",
      does: "Lists what was changed in the console, by whom and how it ended, the youngest first",
      query: changesQuery,
      answers: "{changes: Change[]}",
      run: async (c) => c.json({ changes: await changes.list(changesQuery.parse(c.req.query()).limit) }),
    },
    {
      method: "GET",
      path: "/events",
      access: "viewer",
      does: "Server-sent events: overview, jobs, work and more as they change, ping, trouble",
      answers: "text/event-stream",
      run: (c) => {
        const { session } = c.get("who");
        const now = works.list().toReversed();
        const stream = events.open(
          session?.isOver ?? (() => false),
          now.map((value) => ({ event: "work", value })),
        );
        if (stream === undefined) throw new ApiError(503, "too many pages are open: close some");
        // What stands in between is not to collect events into larger ones.
        return c.body(stream, 200, {
          "content-type": "text/event-stream",
          "cache-control": "no-store, no-transform",
          "x-accel-buffering": "no",
        });
      },
    },
  ];
}
