/** Watches over HTTP: what they found, when the next ones are, and beginning one now. */
import { Hono } from "hono";
import { z } from "zod";
import { isCanaryKey } from "../../core/canary-key.ts";
import { remembered } from "../../monitor/history.ts";
import type { ConsoleOptions } from "../options.ts";

const kind = z.enum(["canary", "probe", "audit", "rehearse", "lint"]);
const query = z.object({ kind: kind.optional(), subject: z.string().min(1).optional() });
const forgotten = z.strictObject({ bucket: z.string().min(1), prefix: z.string() });

export function watchRoutes({ ledger, watches }: Pick<ConsoleOptions, "ledger" | "watches">): Hono {
  const app = new Hono();
  app.get("/watches", async (c) => {
    const { kind: wanted, subject } = query.parse(c.req.query());
    const results = await remembered(ledger, wanted, wanted === undefined ? undefined : subject);
    const known = (await watches?.list()) ?? [];
    const isAsked = (one: { readonly kind: string; readonly subject: string }) =>
      (wanted === undefined || one.kind === wanted) && (subject === undefined || one.subject === subject);
    return c.json({ results: results.filter(isAsked), schedules: known.filter(isAsked) });
  });
  app.post("/watches/:kind/:subject/run", async (c) => {
    const subject = c.req.param("subject");
    const wanted = kind.parse(c.req.param("kind"));
    const begun = await watches?.start(wanted, subject);
    if (begun === undefined) return c.json({ error: `there is no ${wanted} of ${subject} here` }, 404);
    if (begun === "running") return c.json({ error: `the ${wanted} of ${subject} is under way` }, 409);
    return c.json({ kind: wanted, subject, isRunning: true }, 202);
  });
  // Canaries that somebody runs from elsewhere: what FAILED of them is no failure of anybody's object.
  app.post("/watches/canary/forget", async (c) => {
    const { bucket, prefix } = forgotten.parse(await c.req.json());
    if (!isCanaryKey(`${prefix}any`)) return c.json({ error: `${prefix} is not where canaries are` }, 400);
    return c.json(await ledger.discard({ bucket, prefix }));
  });
  return app;
}
