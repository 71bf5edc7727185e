/** One call of IAM on its way through an operation: who asks, for which account, and what it needs to ask back. */

import { parseArn } from "../../../core/arn.ts";
import type { RequestContext } from "../../../core/iam/model.ts";
import type { XmlNode } from "../../../core/xml.ts";
import type { Authoriser, Caller } from "../../model.ts";
import { pageOf } from "../../pages.ts";
import type { Secrets } from "../../secrets.ts";
import type { Directory } from "../directory.ts";
import { accessDenied, noSuchEntity, validationError } from "../errors.ts";
import { type HolderKind, holderArn, type ManagedPolicy, type Tags } from "../model.ts";
import type { Parameters, QueryCall } from "../query.ts";
import { NAME_RULES, PATH } from "./rules.ts";

/** What the operations of IAM are built on. */
export interface IamParts {
  readonly directory: Directory;
  readonly authoriser: Authoriser;
  readonly secrets: Secrets;
}

/** An operation: the elements of its result, or nothing. */
export type IamOperation = (request: IamRequest) => Promise<readonly XmlNode[] | undefined>;

export class IamRequest {
  readonly directory: Directory;
  readonly secrets: Secrets;
  readonly caller: Caller;
  /** Of the caller: nobody works on another account's IAM. */
  readonly accountId: string;
  readonly parameters: Parameters;
  readonly nowMs: number;
  readonly #action: string;
  readonly #context: RequestContext;
  readonly #authoriser: Authoriser;

  constructor(parts: IamParts, call: QueryCall) {
    const { principal } = call.caller;
    if (principal.kind === "service" || principal.kind === "anonymous") {
      throw accessDenied();
    }
    this.directory = parts.directory;
    this.secrets = parts.secrets;
    this.#authoriser = parts.authoriser;
    this.caller = call.caller;
    this.accountId = principal.accountId;
    this.parameters = call.parameters;
    this.nowMs = call.nowMs;
    this.#action = `iam:${call.action}`;
    this.#context = call.context;
  }

  /**
   * Asks whether the caller may do this to the resource.
   *
   * @param context further condition keys of this operation
   * @throws ServiceError AccessDenied
   */
  authorise(resource: string, context: RequestContext = {}): void {
    const account = parseArn(resource)?.account ?? this.accountId;
    this.#authoriser.require(this.caller, {
      action: this.#action,
      resource,
      // Policies of AWS's own are everybody's.
      resourceAccount: account === "aws" ? this.accountId : account,
      context: { ...this.#context, ...context },
    });
  }

  /** The name of a user, role or group that the call is about. */
  name(kind: HolderKind): string {
    const { parameter, rule } = NAME_RULES[kind];
    return this.parameters.required(parameter, rule);
  }

  path(): string {
    return this.parameters.optional("Path", PATH) ?? "/";
  }

  /** Asks for permission on a user, role or group of the caller's account, whether or not it exists. */
  authoriseOn(kind: HolderKind, name: string, context: RequestContext = {}): void {
    const holder = this.directory.findHolder(kind, this.accountId, name);
    const boundary = holder?.kind === "group" ? undefined : holder?.boundary;
    this.authorise(holderArn(holder ?? { kind, name, accountId: this.accountId, path: "/" }), {
      ...resourceTagContext(holder?.tags ?? {}),
      ...(boundary === undefined ? {} : { "iam:permissionsboundary": boundary }),
      ...context,
    });
  }

  /** The managed policy that the call is about, after asking for permission on it. @throws ServiceError NoSuchEntity */
  authorisedPolicyArn(context: RequestContext = {}): string {
    const arn = this.parameters.required("PolicyArn", { min: 20, max: 2048 });
    if (parseArn(arn) === undefined) throw validationError(`ARN ${arn} is not valid.`);
    this.authorise(arn, { ...resourceTagContext(this.directory.findPolicy(arn)?.tags ?? {}), ...context });
    return arn;
  }

  policy(arn: string): ManagedPolicy {
    const found = this.directory.findPolicy(arn);
    if (found === undefined) throw noSuchEntity(`Policy ${arn} was not found.`);
    return found;
  }

  /** One page of what was found, in the order of `keyOf`, and the elements that tell where the next one starts. */
  page<T>(items: Iterable<T>, keyOf: (item: T) => string): { readonly items: readonly T[]; readonly nodes: XmlNode[] } {
    const page = pageOf(items, keyOf, {
      limit: this.parameters.integer("MaxItems", { min: 1, max: 1000 }) ?? 100,
      marker: this.parameters.optional("Marker"),
    });
    return {
      items: page.items,
      nodes: [
        ["IsTruncated", page.marker !== undefined],
        ["Marker", page.marker],
      ],
    };
  }
}

/** The condition keys by which policies refer to tags of what is acted on. */
export function resourceTagContext(tags: Tags): RequestContext {
  const context: Record<string, string> = {};
  for (const [key, value] of Object.entries(tags)) {
    context[`aws:resourcetag/${key.toLowerCase()}`] = value;
    context[`iam:resourcetag/${key.toLowerCase()}`] = value;
  }
  return context;
}

/** The condition keys by which policies refer to tags that the call brings or takes away. */
export function requestTagContext(tags: Tags, keys: readonly string[] = Object.keys(tags)): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  for (const [key, value] of Object.entries(tags)) context[`aws:requesttag/${key.toLowerCase()}`] = value;
  return keys.length === 0 ? context : { ...context, "aws:tagkeys": keys };
}
