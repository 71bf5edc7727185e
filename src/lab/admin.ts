/**
 * The lab's own calls under `/_lockstep/`: for tools that set a lab up, not for S3 clients. Guarded by a token; bodies and
 * answers are JSON.
 *
 * - `GET /_lockstep/health`: whether the lab answers; needs no token
 *
 * Accounts (`admin/accounts.ts`):
 * - `POST /_lockstep/accounts/ID`: makes the account when it is new, and returns its root credentials
 * - `POST /_lockstep/organizations/MANAGEMENT/accounts/ID`: makes the account likewise, and puts it into the organisation
 *   that the account MANAGEMENT manages; 409 when it manages none, or the account is in another one
 *
 * What is in a bucket (`admin/buckets.ts`); `versionId` may be left out for the latest version:
 * - `POST /_lockstep/buckets/NAME/expire` `{"key"}`: makes the delete marker that Lifecycle would make
 * - `GET`, `PUT /_lockstep/buckets/NAME/quota` `{"bytes":n|null,"objects":n|null}`: tells or sets how much it may hold, and
 *   tells how much it does
 * - `POST /_lockstep/buckets/NAME/damage` `{"key","versionId"?,"how":"unreadable"|"altered"}`: flips a bit where the version
 *   lies; the second is silent damage, which the store itself does not notice
 * - `POST /_lockstep/buckets/NAME/plaintext` `{"key","versionId"?}`: a version from before S3 encrypted everything
 * - `PUT /_lockstep/buckets/NAME/archive` `{"key","versionId"?,"status":"ARCHIVE_ACCESS"|"DEEP_ARCHIVE_ACCESS"|null}`: the
 *   archive tier of an INTELLIGENT_TIERING version
 *
 * Where events of buckets can go besides queues (`admin/webhooks.ts`): `arn:lockstep:webhook:::NAME` in a queue configuration
 * - `PUT /_lockstep/webhooks/NAME` `{"url","token"?}`: events are posted there, with the token as Bearer
 * - `GET /_lockstep/webhooks`, `DELETE /_lockstep/webhooks/NAME`
 *
 * Whose store the lab does as (`flavours/flavours.ts`), until it ends; it begins as its options say:
 * - `GET`, `PUT /_lockstep/flavour` `{"name":"aws"|"minio"|"ceph"|"seaweedfs"|"garage"|"r2"}`
 *
 * What the lab delivers by itself every few seconds (`admin/deliveries.ts`):
 * - `GET`, `PUT /_lockstep/deliveries` `{"intervalMs":n}`: how often access logs, trails and due inventories are delivered
 * - `POST /_lockstep/deliveries`: delivers now, and answers when it is done
 * - `POST /_lockstep/buckets/NAME/inventory` `{"id"}`: makes the report of an inventory configuration now, enabled or not
 *
 * What goes wrong until it is taken back or the lab ends (`admin/disturbances.ts`); `GET /_lockstep/disturbances` tells all:
 * - `PUT /_lockstep/throttle` `{"service":"s3"|"kms","bucket"?,"requestsPerSecond":n|null}`: 503 SlowDown, ThrottlingException
 * - `POST /_lockstep/faults` `{"bucket"?,"prefix"?,"operation"?,"times"?}` and one of `"truncateAt":n`, `"flipAt":n`,
 *   `"delayMs":n`, `"reset":"before"|"after"`, `"status":5xx,"code"?`; `DELETE /_lockstep/faults[/ID]` takes back
 * - `PUT /_lockstep/disk` `{"full":true|false}`: 507 for whatever needs room
 * - `PUT /_lockstep/clock` `{"offsetMs":n}`: how far the lab's clock is ahead
 */
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ACCOUNT_ROUTES } from "./admin/accounts.ts";
import { BUCKET_ROUTES } from "./admin/buckets.ts";
import { DELIVERY_ROUTES } from "./admin/deliveries.ts";
import { DISTURBANCE_ROUTES } from "./admin/disturbances.ts";
import { FLAVOUR_ROUTES } from "./admin/flavour.ts";
import type { AdminWorld, Route } from "./admin/route.ts";
import { WEBHOOK_ROUTES } from "./admin/webhooks.ts";
import { type ServiceAnswer, ServiceError } from "./model.ts";

export interface Admin {
  handle(call: AdminCall): Promise<ServiceAnswer>;
}

export interface AdminCall {
  readonly method: string;
  readonly rawPath: string;
  /** The header as it came. */
  readonly authorization: string | undefined;
  readonly readBody: () => Promise<Uint8Array>;
}

export function isAdminPath(rawPath: string): boolean {
  return rawPath.startsWith(ROOT);
}

const ROOT = "/_lockstep/";

export interface AdminOptions extends AdminWorld {
  /** Without one, nothing but health is answered. */
  readonly token?: string;
}

const ROUTES: readonly Route[] = [
  ...ACCOUNT_ROUTES,
  ...BUCKET_ROUTES,
  ...WEBHOOK_ROUTES,
  ...DELIVERY_ROUTES,
  ...DISTURBANCE_ROUTES,
  ...FLAVOUR_ROUTES,
];

export function createAdmin(options: AdminOptions): Admin {
  return {
    async handle(call) {
      const { method, rawPath, authorization } = call;
      if (rawPath === "/_lockstep/health") {
        return method === "GET" || method === "HEAD" ? json(200, { status: "ok" }) : json(405, { error: "only GET" });
      }
      if (!isToken(authorization, options.token)) return json(401, { error: "a Bearer token is needed" });
      const path = rawPath.slice(ROOT.length);
      const there = ROUTES.filter((one) => one.path.test(path));
      if (there.length === 0) return json(404, { error: "there is no such call" });
      const route = there.find((one) => one.method === method);
      if (route === undefined) return json(405, { error: `only ${there.map((one) => one.method).join(", ")}` });
      const [, ...names] = route.path.exec(path) ?? [];
      try {
        return json(200, await route.run(options, names.map(decodeURIComponent), await readJson(call)));
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}

async function readJson(call: AdminCall): Promise<unknown> {
  const text = Buffer.from(await call.readBody()).toString("utf8");
  return text === "" ? {} : JSON.parse(text);
}

function refusalOf(error: unknown): ServiceAnswer {
  if (error instanceof ServiceError) return json(error.status, { error: error.message, code: error.code });
  if (error instanceof z.ZodError) return json(400, { error: z.prettifyError(error) });
  if (error instanceof SyntaxError || error instanceof URIError) return json(400, { error: error.message });
  throw error;
}

function isToken(authorization: string | undefined, token: string | undefined): boolean {
  if (token === undefined || authorization === undefined) return false;
  const given = Buffer.from(authorization);
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function json(status: number, value: unknown): ServiceAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
