/** What can be examined and mended: buckets, causes, objects, rules. The long actions are works: `works.ts`. */
import { z } from "zod";
import type { Desk, DeskDiagnosis, TriedObject } from "../desk.ts";
import { ApiError } from "../errors.ts";
import type { Route } from "./route.ts";

const PAGE_MAX = 1000;
const PAGE = 100;
const TEXT_MAX = 2 * 1024 * 1024;

const bucket = z.string().min(1);
const ofBucket = z.object({ bucket });
const maybeOfBucket = z.object({ bucket: bucket.optional() });
const keysQuery = z.object({
  bucket,
  prefix: z.string().optional(),
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE),
});
const keyQuery = z.object({ bucket, key: z.string().min(1) });
const tried = z.strictObject({
  bucket,
  object: z.strictObject({
    key: z.string().min(1),
    isDeleteMarker: z.boolean().default(false),
    tags: z.array(z.strictObject({ key: z.string(), value: z.string() })).default([]),
    encryption: z.enum(["SSE-S3", "SSE-KMS", "DSSE-KMS", "SSE-C", "NOT-SSE"]).default("SSE-S3"),
    storageClass: z.string().default("STANDARD"),
  }),
});
const linted = z.strictObject({ bucket, text: z.string().max(TEXT_MAX) });
const saved = z.strictObject({ bucket, text: z.string().min(1).max(TEXT_MAX), digest: z.string() });

export interface DeskParts {
  readonly desk: Desk | undefined;
  /** The last one of a bucket, as it was. */
  readonly lastDiagnosis: (bucket: string) => DeskDiagnosis | undefined;
}

export function deskRoutes({ desk, lastDiagnosis }: DeskParts): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/buckets",
      access: "viewer",
      does: "Lists the buckets that can be examined here",
      answers: "{buckets: DeskBucket[]}",
      run: async (c) => c.json({ buckets: (await desk?.buckets()) ?? [] }),
    },
    {
      method: "GET",
      path: "/causes",
      access: "viewer",
      does: "Tells the last diagnosis of a bucket; takenAt says how old it is",
      query: ofBucket,
      answers: "{diagnosis: DeskDiagnosis | null}",
      run: (c) => c.json({ diagnosis: lastDiagnosis(ofBucket.parse(c.req.query()).bucket) ?? null }),
    },
    {
      method: "GET",
      path: "/applications",
      access: "viewer",
      does: "Lists the patches that were applied, the youngest first",
      query: maybeOfBucket,
      answers: "{applications: Application[]}",
      run: async (c) => {
        const { bucket: of } = maybeOfBucket.parse(c.req.query());
        return c.json({ applications: await requireDesk(desk).applications(of) });
      },
    },
    {
      method: "GET",
      path: "/objects",
      access: "viewer",
      does: "Lists a page of a bucket's keys",
      query: keysQuery,
      answers: "KeysPage",
      run: async (c) => {
        const { bucket: of, prefix, after, limit } = keysQuery.parse(c.req.query());
        const page = {
          limit,
          ...(prefix === undefined ? {} : { prefix }),
          ...(after === undefined ? {} : { after }),
        };
        return c.json(await requireDesk(desk).keys(of, page));
      },
    },
    {
      method: "GET",
      path: "/objects/key",
      access: "viewer",
      does: "Explains every version of a key, step by step",
      query: keyQuery,
      answers: "DeskKey",
      run: async (c) => {
        const { bucket: of, key } = keyQuery.parse(c.req.query());
        return c.json(await requireDesk(desk).explain(of, key));
      },
    },
    {
      method: "GET",
      path: "/rules",
      access: "viewer",
      does: "Tells a bucket's rules, what is wrong with them, and which get in each other's way",
      query: ofBucket,
      answers: "DeskRules",
      run: async (c) => c.json(await requireDesk(desk).rules(ofBucket.parse(c.req.query()).bucket)),
    },
    {
      method: "POST",
      path: "/rules/try",
      access: "viewer",
      does: "Tells for each rule whether it would take an object, and why not",
      body: tried,
      answers: "Verdict",
      unrecorded: true,
      run: async (c) => {
        const { bucket: of, object } = tried.parse(await c.req.json());
        return c.json(await requireDesk(desk).tryRules(of, object satisfies TriedObject));
      },
    },
    {
      method: "POST",
      path: "/rules/lint",
      access: "viewer",
      does: "Finds what is wrong with a text that would be a bucket's rules",
      body: linted,
      answers: "{findings: LintFinding[]}",
      unrecorded: true,
      run: async (c) => {
        const { bucket: of, text } = linted.parse(await c.req.json());
        return c.json({ findings: await requireDesk(desk).lint(of, text) });
      },
    },
    {
      method: "PUT",
      path: "/rules",
      access: "operator",
      does: "Saves a bucket's rules, if they are still those of the digest",
      body: saved,
      answers: "DeskRules",
      run: async (c) => {
        const { bucket: of, text, digest } = saved.parse(await c.req.json());
        return c.json(await requireDesk(desk).saveRules(of, text, digest, c.get("who").user));
      },
    },
  ];
}

/** @throws ApiError where nothing can be examined */
export function requireDesk(desk: Desk | undefined): Desk {
  if (desk === undefined) throw new ApiError(404, "nothing can be examined here");
  return desk;
}
