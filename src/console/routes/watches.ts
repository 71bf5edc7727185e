/** Watches over HTTP: what they found, when the next ones are, and beginning one now. */
import { z } from "zod";
import { isCanaryKey } from "../../core/canary-key.ts";
import { remembered } from "../../monitor/history.ts";
import { ApiError } from "../errors.ts";
import type { ConsoleOptions } from "../options.ts";
import type { Route } from "./route.ts";

const kind = z.enum(["canary", "probe", "audit", "rehearse", "lint"]);
const query = z.object({ kind: kind.optional(), subject: z.string().min(1).optional() });
const forgotten = z.strictObject({ bucket: z.string().min(1), prefix: z.string() });

export function watchRoutes({ ledger, watches }: Pick<ConsoleOptions, "ledger" | "watches">): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/watches",
      access: "viewer",
      does: "Tells what canaries, probes, audits, rehearsals and lints found, and when the next ones are",
      query,
      answers: "{results: WatchResult[], schedules: ScheduleStanding[]}",
      run: async (c) => {
        const { kind: wanted, subject } = query.parse(c.req.query());
        const results = await remembered(ledger, wanted, wanted === undefined ? undefined : subject);
        const known = (await watches?.list()) ?? [];
        const isAsked = (one: { readonly kind: string; readonly subject: string }) =>
          (wanted === undefined || one.kind === wanted) && (subject === undefined || one.subject === subject);
        return c.json({ results: results.filter(isAsked), schedules: known.filter(isAsked) });
      },
    },
    {
      method: "POST",
      path: "/watches/:kind/:subject/run",
      access: "operator",
      does: "Begins a watch now, out of turn",
      answers: "{kind, subject, isRunning}",
      status: 202,
      run: async (c) => {
        const subject = c.req.param("subject") ?? "";
        const wanted = kind.parse(c.req.param("kind"));
        const begun = await watches?.start(wanted, subject);
        if (begun === undefined) throw new ApiError(404, `there is no ${wanted} of ${subject} here`);
        if (begun === "running") throw new ApiError(409, `the ${wanted} of ${subject} is under way`);
        return c.json({ kind: wanted, subject, isRunning: true }, 202);
      },
    },
    // Canaries that somebody runs from elsewhere: what FAILED of them is no failure of anybody's object.
    {
      method: "POST",
      path: "/watches/canary/forget",
      access: "operator",
      does: "Takes the tasks of canaries off the record, for their versions are gone",
      body: forgotten,
      answers: "{discarded: number}",
      run: async (c) => {
        const { bucket, prefix } = forgotten.parse(await c.req.json());
        if (!isCanaryKey(`${prefix}any`)) throw new ApiError(400, `${prefix} is not where canaries are`);
        return c.json(await ledger.discard({ bucket, prefix }));
      },
    },
  ];
}
