/**
 * The lab's own calls under `/_lockstep/`: for tools that set a lab up, not for S3 clients. Guarded by a token.
 *
 * - `POST /_lockstep/accounts/ID`: makes the account when it is new, and returns its root credentials
 * - `POST /_lockstep/buckets/NAME/expire` with `{"key": KEY}`: makes the delete marker that Lifecycle would make
 * - `GET /_lockstep/health`: whether the lab answers; needs no token
 */
import { timingSafeEqual } from "node:crypto";
import { type Identity, type ServiceAnswer, ServiceError } from "./model.ts";
import type { DeleteAnswer } from "./s3/delete.ts";

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
  readonly identity: Identity;
  /** Without one, nothing but health is answered. */
  readonly token?: string;
  /** @throws ServiceError when there is nothing to expire */
  expire(object: { readonly bucket: string; readonly key: string }): Promise<DeleteAnswer>;
}

export function createAdmin({ identity, token, expire }: AdminOptions): Admin {
  return {
    async handle({ method, rawPath, authorization, readBody }) {
      if (rawPath === "/_lockstep/health") {
        return method === "GET" || method === "HEAD" ? json(200, { status: "ok" }) : json(405, { error: "only GET" });
      }
      if (!isToken(authorization, token)) return json(401, { error: "a Bearer token is needed" });
      const bucket = /^\/_lockstep\/buckets\/([^/]+)\/expire$/.exec(rawPath)?.[1];
      if (bucket !== undefined) {
        if (method !== "POST") return json(405, { error: "only POST" });
        const key = keyOf(await readBody());
        if (key === undefined) return json(400, { error: 'a body like {"key": "name"} is needed' });
        return await answerOf(async () => {
          const { versionId, isMarker } = await expire({ bucket, key });
          return { bucket, key, isDeleteMarker: isMarker, ...(versionId === undefined ? {} : { versionId }) };
        });
      }
      const account = /^\/_lockstep\/accounts\/(\d{12})$/.exec(rawPath)?.[1];
      if (account === undefined) return json(404, { error: "there is no such call" });
      if (method !== "POST") return json(405, { error: "only POST" });
      const { accessKeyId, secretAccessKey } = await identity.ensureAccount(account);
      return json(200, { accountId: account, accessKeyId, secretAccessKey });
    },
  };
}

function keyOf(body: Uint8Array): string | undefined {
  try {
    const document: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    const key = typeof document === "object" && document !== null && "key" in document ? document.key : undefined;
    return typeof key === "string" && key !== "" ? key : undefined;
  } catch {
    return undefined;
  }
}

async function answerOf(work: () => Promise<unknown>): Promise<ServiceAnswer> {
  try {
    return json(200, await work());
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return json(error.status, { error: error.message, code: error.code });
  }
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
