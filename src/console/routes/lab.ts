/** The lab over HTTP: its accounts and buckets, small objects, and what goes wrong in it on purpose. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { FaultScope, LabDesk, NewDisturbance } from "../lab-desk.ts";
import type { Route } from "./route.ts";

const TEXT_MAX = 64 * 1024;
const DELAY_MS_MAX = 60_000;
const RATE_MAX = 1_000_000;
const OFFSET_MS_MAX = 10 * 365 * 24 * 3_600_000;
const TIMES_MAX = 1_000_000;

const bucket = z.string().min(1);
const accountId = z.string().regex(/^\d{12}$/, "an account id has 12 digits");
const newAccount = z.strictObject({ id: accountId });
const newBucket = z.strictObject({
  name: bucket,
  account: accountId,
  region: z.string().min(1).default("us-east-1"),
  versioning: z.boolean().default(true),
  objectLock: z.boolean().default(false),
});
const newObject = z.strictObject({
  bucket,
  key: z.string().min(1).max(1024),
  text: z.string().max(TEXT_MAX),
  tags: z
    .array(z.strictObject({ key: z.string().min(1), value: z.string() }))
    .max(10)
    .default([]),
});
const objectRef = z.object({ bucket, key: z.string().min(1), versionId: z.string().optional() });

const scope = {
  bucket: bucket.optional(),
  prefix: z.string().optional(),
  operation: z.string().optional(),
  times: z.int().min(1).max(TIMES_MAX).default(1),
};
const position = z.int().min(0);
const newDisturbance = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("delay"), ...scope, delayMs: z.int().min(0).max(DELAY_MS_MAX) }),
  z.strictObject({ kind: z.literal("reset"), ...scope, when: z.enum(["before", "after"]).default("before") }),
  z.strictObject({
    kind: z.literal("status"),
    ...scope,
    status: z.int().min(400).max(599),
    code: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal("truncate"), ...scope, at: position }),
  z.strictObject({ kind: z.literal("flip"), ...scope, at: position }),
  z.strictObject({
    kind: z.literal("throttle"),
    service: z.enum(["s3", "kms"]),
    bucket: bucket.optional(),
    requestsPerSecond: z.number().min(0).max(RATE_MAX),
  }),
  z.strictObject({ kind: z.literal("diskFull") }),
  z.strictObject({ kind: z.literal("clock"), offsetMs: z.int().min(-OFFSET_MS_MAX).max(OFFSET_MS_MAX) }),
]);

export function labRoutes(lab: LabDesk | undefined): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/lab",
      access: "viewer",
      does: "Tells the lab's accounts and buckets, and what goes wrong in it on purpose",
      answers: "LabView",
      run: async (c) => c.json(await requireLab(lab).view()),
    },
    {
      method: "POST",
      path: "/lab/accounts",
      access: "operator",
      does: "Makes an account of the lab",
      body: newAccount,
      answers: "LabView",
      run: async (c) => {
        await requireLab(lab).addAccount(newAccount.parse(await c.req.json()).id);
        return c.json(await requireLab(lab).view());
      },
    },
    {
      method: "POST",
      path: "/lab/buckets",
      access: "operator",
      does: "Makes a bucket in the lab",
      body: newBucket,
      answers: "LabView",
      run: async (c) => {
        await requireLab(lab).addBucket(newBucket.parse(await c.req.json()));
        return c.json(await requireLab(lab).view());
      },
    },
    {
      method: "PUT",
      path: "/lab/objects",
      access: "operator",
      does: "Writes a small text object into the lab",
      body: newObject,
      answers: "{versionId: string}",
      run: async (c) => c.json(await requireLab(lab).putObject(newObject.parse(await c.req.json()))),
    },
    {
      method: "DELETE",
      path: "/lab/objects",
      access: "operator",
      does: "Deletes an object in the lab, or one version of it for good",
      query: objectRef,
      answers: "{versionId?: string}",
      run: async (c) => {
        const { versionId, ...ref } = objectRef.parse(c.req.query());
        return c.json(
          await requireLab(lab).deleteObject({ ...ref, ...(versionId === undefined ? {} : { versionId }) }),
        );
      },
    },
    {
      method: "POST",
      path: "/lab/disturbances",
      access: "operator",
      does: "Makes something go wrong in the lab",
      body: newDisturbance,
      answers: "LabView",
      run: async (c) => {
        await requireLab(lab).disturb(disturbanceOf(newDisturbance.parse(await c.req.json())));
        return c.json(await requireLab(lab).view());
      },
    },
    {
      method: "DELETE",
      path: "/lab/disturbances/:id",
      access: "operator",
      does: "Takes back what goes wrong in the lab",
      answers: "LabView",
      run: async (c) => {
        const id = c.req.param("id") ?? "";
        if (!(await requireLab(lab).calm(id))) throw new ApiError(404, `there is no disturbance ${id}`);
        return c.json(await requireLab(lab).view());
      },
    },
  ];
}

function requireLab(lab: LabDesk | undefined): LabDesk {
  if (lab === undefined) throw new ApiError(404, "there is no lab here: `lockstep up` has one");
  return lab;
}

function disturbanceOf(given: z.infer<typeof newDisturbance>): NewDisturbance {
  switch (given.kind) {
    case "delay":
      return { kind: given.kind, delayMs: given.delayMs, ...scopeOf(given) };
    case "reset":
      return { kind: given.kind, when: given.when, ...scopeOf(given) };
    case "status": {
      const { kind, status, code } = given;
      return { kind, status, ...(code === undefined ? {} : { code }), ...scopeOf(given) };
    }
    case "truncate":
    case "flip":
      return { kind: given.kind, at: given.at, ...scopeOf(given) };
    case "throttle": {
      const { kind, service, requestsPerSecond, bucket: only } = given;
      return { kind, service, requestsPerSecond, ...(only === undefined ? {} : { bucket: only }) };
    }
    case "diskFull":
    case "clock":
      return given;
  }
}

type GivenScope = { readonly [Name in keyof FaultScope]?: FaultScope[Name] | undefined };

function scopeOf({ bucket: only, prefix, operation, times = 1 }: GivenScope): FaultScope {
  return {
    times,
    ...(only === undefined ? {} : { bucket: only }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(operation === undefined ? {} : { operation }),
  };
}
