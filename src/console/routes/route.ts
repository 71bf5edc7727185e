/**
 * One call of the API, as data: what it is, who may make it, what it takes. The guard, the audit log, the OpenAPI document
 * and the tests read it; none of them knows a call that is not in such a table.
 */
import type { Context } from "hono";
import type { z } from "zod";
import type { ConsoleEnv, Role } from "../auth/identity.ts";

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Behind `/api/v1`, with names after colons: `/jobs/:id/pause`. */
  readonly path: string;
  /** `anybody`: without logging in. */
  readonly access: "anybody" | Role;
  /** A sentence without its full stop: `Pauses a job`. */
  readonly does: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What is answered, by the name of its type in the sources, under which `answers.ts` has its schema; nothing for 204. */
  readonly answers?: string;
  /** Default 200. */
  readonly status?: 200 | 202 | 204;
  /** Calls that are no GET and change nothing, or whose handler records itself what they change. */
  readonly unrecorded?: true;
  readonly run: (c: ApiContext) => Promise<Response> | Response;
}

export type ApiContext = Context<ConsoleEnv>;

export const API_ROOT = "/api/v1";
