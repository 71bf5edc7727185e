/**
 * The lab's own calls under `/_lockstep/`: for tools that set a lab up, not for S3 clients. Guarded by a token.
 *
 * - `POST /_lockstep/accounts/ID`: makes the account when it is new, and returns its root credentials
 * - `POST /_lockstep/organizations/MANAGEMENT/accounts/ID`: makes the account likewise, and puts it into the organisation
 *   that the account MANAGEMENT manages; 409 when it manages none, or the account is in another one
 * - `POST /_lockstep/buckets/NAME/expire` with `{"key": KEY}`: makes the delete marker that Lifecycle would make
 * - `GET /_lockstep/health`: whether the lab answers; needs no token
 */
import { timingSafeEqual } from "node:crypto";
import { type Identity, type ServiceAnswer, ServiceError } from "./model.ts";
import type { OrganizationsService } from "./organizations/organizations.ts";
import type { DeleteAnswer } from "./s3/delete.ts";

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
  return rawPath.startsWith("/_lockstep/");
}

export interface AdminOptions {
  readonly identity: Identity;
  readonly organizations: Pick<OrganizationsService, "join">;
  /** Without one, nothing but health is answered. */
  readonly token?: string;
  /** @throws ServiceError when there is nothing to expire */
  readonly expire: (object: { readonly bucket: string; readonly key: string }) => Promise<DeleteAnswer>;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** @param names what the path's groups matched */
  run(names: readonly string[], readBody: AdminCall["readBody"]): Promise<ServiceAnswer>;
}

export function createAdmin(options: AdminOptions): Admin {
  const routes = routesOf(options);
  return {
    async handle({ method, rawPath, authorization, readBody }) {
      if (rawPath === "/_lockstep/health") {
        return method === "GET" || method === "HEAD" ? json(200, { status: "ok" }) : json(405, { error: "only GET" });
      }
      if (!isToken(authorization, options.token)) return json(401, { error: "a Bearer token is needed" });
      const there = routes.filter((one) => one.path.test(rawPath));
      if (there.length === 0) return json(404, { error: "there is no such call" });
      const route = there.find((one) => one.method === method);
      if (route === undefined) return json(405, { error: `only ${there.map((one) => one.method).join(", ")}` });
      const [, ...names] = route.path.exec(rawPath) ?? [];
      try {
        return await route.run(names, readBody);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return json(error.status, { error: error.message, code: error.code });
      }
    },
  };
}

function routesOf({ identity, organizations, expire }: AdminOptions): readonly Route[] {
  const account = async (accountId: string): Promise<ServiceAnswer> => {
    const { accessKeyId, secretAccessKey } = await identity.ensureAccount(accountId);
    return json(200, { accountId, accessKeyId, secretAccessKey });
  };
  return [
    { method: "POST", path: /^\/_lockstep\/accounts\/(\d{12})$/, run: ([id = ""]) => account(id) },
    {
      method: "POST",
      path: /^\/_lockstep\/organizations\/(\d{12})\/accounts\/(\d{12})$/,
      run: async ([management = "", id = ""]) => {
        if (await organizations.join(management, id)) return await account(id);
        return json(409, { error: `account ${management} manages no organisation that ${id} could join` });
      },
    },
    {
      method: "POST",
      path: /^\/_lockstep\/buckets\/([^/]+)\/expire$/,
      run: async ([bucket = ""], readBody) => {
        const key = keyOf(await readBody());
        if (key === undefined) return json(400, { error: 'a body like {"key": "name"} is needed' });
        const { versionId, isMarker } = await expire({ bucket, key });
        return json(200, { bucket, key, isDeleteMarker: isMarker, ...(versionId === undefined ? {} : { versionId }) });
      },
    },
  ];
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

function isToken(authorization: string | undefined, token: string | undefined): boolean {
  if (token === undefined || authorization === undefined) return false;
  const given = Buffer.from(authorization);
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function json(status: number, value: unknown): ServiceAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
