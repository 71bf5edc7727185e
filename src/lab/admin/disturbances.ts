/** The lab's own calls on what goes wrong in it. */
import { z } from "zod";
import type { Disturbances } from "../disturbances/disturbances.ts";
import { FAULTS_MAX, type FaultKind, type FaultOrder } from "../disturbances/faults.ts";
import { invalidRequest } from "../s3/errors.ts";
import type { S3Service } from "../s3/service.ts";
import type { Route } from "./route.ts";

const RATE_MAX = 1_000_000;
const TIMES_MAX = 1_000_000;
const DELAY_MS_MAX = 60_000;
const OFFSET_MS_MAX = 10 * 365 * 24 * 3_600_000;

const throttle = z
  .strictObject({
    service: z.enum(["s3", "kms"]),
    bucket: z.string().optional(),
    requestsPerSecond: z.number().min(0).max(RATE_MAX).nullable(),
  })
  .refine(({ service, bucket }) => service === "s3" || bucket === undefined, "KMS knows no buckets");
const scope = {
  bucket: z.string().optional(),
  prefix: z.string().optional(),
  operation: z.string().optional(),
  times: z.int().min(1).max(TIMES_MAX).default(1),
};
const position = z.int().min(0);
const fault = z.union([
  z.strictObject({ ...scope, truncateAt: position }),
  z.strictObject({ ...scope, flipAt: position }),
  z.strictObject({ ...scope, delayMs: z.int().min(0).max(DELAY_MS_MAX) }),
  z.strictObject({ ...scope, reset: z.enum(["before", "after"]) }),
  z.strictObject({ ...scope, status: z.int().min(400).max(599), code: z.string().optional() }),
]);
const disk = z.strictObject({ full: z.boolean() });
const clock = z.strictObject({ offsetMs: z.int().min(-OFFSET_MS_MAX).max(OFFSET_MS_MAX) });

export const DISTURBANCE_ROUTES: readonly Route[] = [
  { method: "GET", path: /^disturbances$/, run: ({ s3 }) => show(s3.disturbances) },
  {
    method: "PUT",
    path: /^throttle$/,
    run({ s3: { disturbances } }, _names, body) {
      const { service, bucket, requestsPerSecond } = throttle.parse(body);
      disturbances.setThrottle({
        service,
        ...(bucket === undefined ? {} : { bucket }),
        ...(requestsPerSecond === null ? {} : { requestsPerSecond }),
      });
      return show(disturbances);
    },
  },
  {
    method: "POST",
    path: /^faults$/,
    run({ s3: { disturbances } }, _names, body) {
      if (disturbances.faults.list.length >= FAULTS_MAX) throw invalidRequest(`there are ${FAULTS_MAX} faults already`);
      const added = disturbances.faults.add(orderOf(fault.parse(body)));
      disturbances.changed();
      return added;
    },
  },
  { method: "DELETE", path: /^faults$/, run: ({ s3 }) => removeFaults(s3) },
  { method: "DELETE", path: /^faults\/(\d{1,9})$/, run: ({ s3 }, [id]) => removeFaults(s3, Number(id)) },
  {
    method: "PUT",
    path: /^disk$/,
    run({ s3: { disturbances } }, _names, body) {
      disturbances.isDiskFull = disk.parse(body).full;
      disturbances.changed();
      return show(disturbances);
    },
  },
  {
    method: "PUT",
    path: /^clock$/,
    run({ s3: { disturbances } }, _names, body) {
      disturbances.clockOffsetMs = clock.parse(body).offsetMs;
      return show(disturbances);
    },
  },
];

function removeFaults({ disturbances }: S3Service, id?: number) {
  disturbances.faults.remove(id);
  disturbances.changed();
  return show(disturbances);
}

function orderOf({ bucket, prefix, operation, times, ...rest }: z.infer<typeof fault>): FaultOrder {
  return {
    ...(bucket === undefined ? {} : { bucket }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(operation === undefined ? {} : { operation }),
    times,
    // Its members are those of one kind, and of no other.
    kind: rest as FaultKind,
  };
}

function show({ throttles, faults, isDiskFull, clockOffsetMs }: Disturbances) {
  return {
    throttles: throttles.list,
    faults: faults.list,
    disk: { full: isDiskFull },
    clock: { offsetMs: clockOffsetMs },
  };
}
