/**
 * The lab's own calls under `/_lockstep/`: for tools that set a lab up, not for S3 clients. Guarded by a token; bodies and
 * answers are JSON.
 *
 * - `GET /_lockstep/health`: whether the lab answers; needs no token
 * - `POST /_lockstep/accounts/ID`: makes the account when it is new, and returns its root credentials
 *
 * What is in a bucket (`admin/buckets.ts`); `versionId` may be left out for the latest version:
 * - `GET`, `PUT /_lockstep/buckets/NAME/quota` `{"bytes":n|null,"objects":n|null}`: tells or sets how much it may hold, and
 *   tells how much it does
 * - `POST /_lockstep/buckets/NAME/damage` `{"key","versionId"?,"how":"unreadable"|"altered"}`: flips a bit where the version
 *   lies; the second is silent damage, which the store itself does not notice
 * - `POST /_lockstep/buckets/NAME/plaintext` `{"key","versionId"?}`: a version from before S3 encrypted everything
 * - `PUT /_lockstep/buckets/NAME/archive` `{"key","versionId"?,"status":"ARCHIVE_ACCESS"|"DEEP_ARCHIVE_ACCESS"|null}`: the
 *   archive tier of an INTELLIGENT_TIERING version
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
import { BUCKET_ROUTES } from "./admin/buckets.ts";
import { DISTURBANCE_ROUTES } from "./admin/disturbances.ts";
import type { Route } from "./admin/route.ts";
import { type ServiceAnswer, ServiceError } from "./model.ts";
import type { S3Service } from "./s3/service.ts";

export interface Admin {
  handle(call: AdminCall): Promise<ServiceAnswer>;
}

export interface AdminCall {
  readonly method: string;
  readonly rawPath: string;
  /** The header as it came. */
  readonly authorization: string | undefined;
  readBody(): Promise<Uint8Array>;
}

export function isAdminPath(rawPath: string): boolean {
  return rawPath.startsWith("/_lockstep/");
}

export interface AdminOptions {
  readonly s3: S3Service;
  /** Without one, nothing but health is answered. */
  readonly token?: string;
}

const ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: /^accounts\/(\d{12})$/,
    async run(s3, accountId) {
      const { accessKeyId, secretAccessKey } = await s3.identity.ensureAccount(accountId);
      return { accountId, accessKeyId, secretAccessKey };
    },
  },
  ...BUCKET_ROUTES,
  ...DISTURBANCE_ROUTES,
];

export function createAdmin({ s3, token }: AdminOptions): Admin {
  return {
    async handle(call) {
      const { method, rawPath, authorization } = call;
      if (rawPath === "/_lockstep/health") {
        return method === "GET" || method === "HEAD" ? json(200, { status: "ok" }) : json(405, { error: "only GET" });
      }
      if (!isToken(authorization, token)) return json(401, { error: "a Bearer token is needed" });
      const path = rawPath.slice("/_lockstep/".length);
      const here = ROUTES.filter((one) => one.path.test(path));
      const route = here.find((one) => one.method === method);
      if (here.length === 0) return json(404, { error: "there is no such call" });
      if (route === undefined) return json(405, { error: `only ${here.map((one) => one.method).join(", ")}` });
      try {
        const argument = decodeURIComponent(route.path.exec(path)?.[1] ?? "");
        return json(200, await route.run(s3, argument, await readJson(call)));
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
