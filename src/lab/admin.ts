/**
 * The lab's own calls under `/_lockstep/`: for tools that set a lab up, not for S3 clients. Guarded by a token.
 *
 * - `POST /_lockstep/accounts/ID`: makes the account when it is new, and returns its root credentials
 * - `POST /_lockstep/organizations/MANAGEMENT/accounts/ID`: makes the account likewise, and puts it into the organisation
 *   that the account MANAGEMENT manages; 409 when it manages none, or the account is in another one
 * - `GET /_lockstep/health`: whether the lab answers; needs no token
 */
import { timingSafeEqual } from "node:crypto";
import type { Identity, ServiceAnswer } from "./model.ts";
import type { OrganizationsService } from "./organizations/organizations.ts";

export interface Admin {
  /** @param authorization the header as it came */
  handle(method: string, rawPath: string, authorization: string | undefined): Promise<ServiceAnswer>;
}

export function isAdminPath(rawPath: string): boolean {
  return rawPath.startsWith("/_lockstep/");
}

export interface AdminOptions {
  readonly identity: Identity;
  readonly organizations: Pick<OrganizationsService, "join">;
  /** Without one, nothing but health is answered. */
  readonly token?: string;
}

const ACCOUNT_PATH = /^\/_lockstep\/(?:organizations\/(\d{12})\/)?accounts\/(\d{12})$/;

export function createAdmin({ identity, organizations, token }: AdminOptions): Admin {
  return {
    async handle(method, rawPath, authorization) {
      if (rawPath === "/_lockstep/health") {
        return method === "GET" || method === "HEAD" ? json(200, { status: "ok" }) : json(405, { error: "only GET" });
      }
      if (!isToken(authorization, token)) return json(401, { error: "a Bearer token is needed" });
      const [, management, account] = ACCOUNT_PATH.exec(rawPath) ?? [];
      if (account === undefined) return json(404, { error: "there is no such call" });
      if (method !== "POST") return json(405, { error: "only POST" });
      if (management !== undefined && !(await organizations.join(management, account))) {
        return json(409, { error: `account ${management} manages no organisation that ${account} could join` });
      }
      const { accessKeyId, secretAccessKey } = await identity.ensureAccount(account);
      return json(200, { accountId: account, accessKeyId, secretAccessKey });
    },
  };
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
