/** Tasks over HTTP: counts of them, those that have failed, and why those of one key are where they are. */
import { z } from "zod";
import { explainKey } from "../explain.ts";
import { failuresIn } from "../failures.ts";
import type { ConsoleOptions } from "../options.ts";
import type { Route } from "./route.ts";

const PAGE_MAX = 1000;

const countsQuery = z.object({ bucket: z.string().optional() });
const failuresQuery = z.object({
  bucket: z.string().min(1),
  prefix: z.string().optional(),
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
});
const keyQuery = z.object({ bucket: z.string().min(1), key: z.string().min(1) });

export function taskRoutes(options: ConsoleOptions): readonly Route[] {
  const { ledger } = options;
  return [
    {
      method: "GET",
      path: "/counts",
      access: "viewer",
      does: "Counts tasks by bucket, rule, destination, operation, state and failure",
      query: countsQuery,
      answers: "{counts: Count[]}",
      run: async (c) => c.json({ counts: await ledger.counts(countsQuery.parse(c.req.query()).bucket) }),
    },
    {
      method: "GET",
      path: "/failures",
      access: "viewer",
      does: "Lists a page of the failures on record",
      query: failuresQuery,
      answers: "FailurePage",
      run: async (c) => {
        const { bucket, prefix, after, limit } = failuresQuery.parse(c.req.query());
        const page = { ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) };
        return c.json(await failuresIn(ledger, { bucket, limit, ...page }));
      },
    },
    {
      method: "GET",
      path: "/tasks",
      access: "viewer",
      does: "Tells why the tasks of a key are where they are",
      query: keyQuery,
      answers: "KeyExplanation",
      run: async (c) => c.json(await explainKey(options, keyQuery.parse(c.req.query()))),
    },
  ];
}
