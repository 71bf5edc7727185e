/**
 * The query protocol of IAM and STS: form-encoded parameters in, XML out. Knows nothing of what the operations do.
 *
 * @source aws-replication.md §12.3
 */

import type { XmlNode } from "../../core/xml.ts";
import {
  NOT_NULL,
  type NumberRange,
  type TextRule,
  violatedByNumber,
  violatedByText,
  violation,
} from "../constraints.ts";
import { type ServiceCall, ServiceError, type Skin } from "../model.ts";
import { queryAnswer, queryError, queryParameters } from "../query-protocol.ts";
import { validationError } from "./errors.ts";

/** Lists have their members numbered from 1; nobody sends more. */
const MEMBERS_MAX = 1000;

/** Parameters of one call, or of one structure in it. Every reader throws ValidationError on what is not allowed. */
export class Parameters {
  readonly #values: ReadonlyMap<string, string>;
  readonly #prefix: string;

  constructor(values: ReadonlyMap<string, string>, prefix = "") {
    this.#values = values;
    this.#prefix = prefix;
  }

  optional(name: string, rule: TextRule = {}): string | undefined {
    const value = this.#values.get(this.#prefix + name);
    const violated = value === undefined ? undefined : violatedByText(value, rule);
    if (violated !== undefined) this.#refuse(name, value, violated);
    return value;
  }

  required(name: string, rule?: TextRule): string {
    return this.optional(name, rule) ?? this.#refuse(name, undefined, NOT_NULL);
  }

  integer(name: string, range: NumberRange): number | undefined {
    const text = this.#values.get(this.#prefix + name);
    if (text === undefined) return undefined;
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    const violated = violatedByNumber(value, range);
    if (violated !== undefined) this.#refuse(name, text, violated);
    return value;
  }

  flag(name: string): boolean {
    return this.optional(name, { oneOf: ["true", "false"] }) === "true";
  }

  /** `name.member.1`, `name.member.2`, … */
  list(name: string): string[] {
    const found: string[] = [];
    for (let index = 1; index <= MEMBERS_MAX; index++) {
      const value = this.#values.get(`${this.#prefix}${name}.member.${index}`);
      if (value === undefined) break;
      found.push(value);
    }
    return found;
  }

  /** `name.member.1.Field`, … : each member as parameters of its own; `field` is one that all of them have. */
  structures(name: string, field: string): Parameters[] {
    const found: Parameters[] = [];
    for (let index = 1; index <= MEMBERS_MAX; index++) {
      const prefix = `${this.#prefix}${name}.member.${index}.`;
      if (!this.#values.has(prefix + field)) break;
      found.push(new Parameters(this.#values, prefix));
    }
    return found;
  }

  #refuse(name: string, value: string | undefined, constraint: string): never {
    throw validationError(violation(this.#prefix + name, value, constraint));
  }
}

/** A call whose parameters have been read from its body. */
export type QueryCall = Pick<ServiceCall, "caller" | "context" | "nowMs" | "region"> & {
  readonly action: string;
  readonly parameters: Parameters;
};

/** Answers with the elements of the result, or with nothing for operations that have none. */
export type QueryOperation = (call: QueryCall) => Promise<readonly XmlNode[] | undefined>;

export interface QueryService {
  /** Of the API, such as 2010-05-08. */
  readonly version: string;
  readonly namespace: string;
  readonly operations: ReadonlyMap<string, QueryOperation>;
}

/** The longest call has a policy document of 128 KiB, percent-encoded. */
const BODY_LIMIT_BYTES = 1024 * 1024;

export function createQuerySkin(service: QueryService): Skin {
  return {
    async handle(call) {
      if (call.caller.principal.kind === "anonymous") {
        throw new ServiceError("MissingAuthenticationToken", 403, "Request is missing Authentication Token");
      }
      const values = await queryParameters(call, BODY_LIMIT_BYTES);
      const action = values.get("Action");
      if (action === undefined) throw new ServiceError("MissingAction", 400, "Missing Action");
      const operation = service.operations.get(action);
      if (operation === undefined) {
        throw new ServiceError(
          "InvalidAction",
          400,
          `Could not find operation ${action} for version ${values.get("Version") ?? service.version}`,
        );
      }
      const { caller, context, nowMs, region, requestId } = call;
      const result = await operation({ caller, context, nowMs, region, action, parameters: new Parameters(values) });
      return queryAnswer(action, result, { requestId, namespace: service.namespace });
    },

    printError: (error, { requestId }) => queryError(error, error.code, { requestId, namespace: service.namespace }),
  };
}
