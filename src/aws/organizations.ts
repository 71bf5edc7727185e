/**
 * The policies of an organisation, read and written over AWS Organizations' JSON protocol.
 *
 * The SDK's client for this service is not among the dependencies, and six operations need none. Signing is handed in:
 * this room knows no signatures. Most of it answers to the organisation's management account and its delegates only.
 *
 * @source AWS Organizations API Reference
 */
import type { AwsAccess } from "./access.ts";
import { AwsError } from "./errors.ts";

/** A request that is to be signed for a service. */
export interface UnsignedPost {
  readonly service: string;
  readonly region: string;
  readonly path: string;
  /** Names in lower case; holds `host`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Gives the headers that a signature adds. */
export type SignPost = (post: UnsignedPost) => Promise<Record<string, string>>;

export interface OrganizationDescription {
  /** o-… */
  readonly id: string;
  readonly managementAccountId: string;
}

/** A policy as it is attached. Documents are JSON text. */
export interface AttachedPolicy {
  readonly id: string;
  readonly name: string;
  readonly document: string;
}

/** What is attached to a root, a unit or an account. */
export interface OrganizationLevel {
  readonly target: string;
  readonly policies: readonly AttachedPolicy[];
}

/** Where an account stands in its organisation, and what caps it there: levels from the root to the account itself. */
export interface Standing {
  /** `r-…/ou-…/`: the root and the units above the account. */
  readonly path: string;
  /** Empty when this type of policy is not enabled. */
  readonly scps: readonly OrganizationLevel[];
  readonly rcps: readonly OrganizationLevel[];
}

type Members = Readonly<Record<string, unknown>>;

const SERVICE = "organizations";
const TARGET = "AWSOrganizationsV20161128";
/** An organisation nests units five deep, so an account has seven levels at most. */
const DEPTH_MAX = 8;
const PAGES_MAX = 100;
const ANSWER_MS_MAX = 30_000;

export class OrganizationsControl {
  readonly #access: AwsAccess;
  readonly #sign: SignPost;

  constructor(access: AwsAccess, sign: SignPost) {
    this.#access = access;
    this.#sign = sign;
  }

  /** The organisation of the account that asks; undefined when it is in none. @throws AwsError */
  async describe(): Promise<OrganizationDescription | undefined> {
    try {
      const organization = membersOf((await this.#ask("DescribeOrganization", {}))["Organization"]);
      return { id: text(organization["Id"]), managementAccountId: text(organization["MasterAccountId"]) };
    } catch (error) {
      if (error instanceof AwsError && error.code === "AWSOrganizationsNotInUseException") return undefined;
      throw error;
    }
  }

  /** @throws AwsError ChildNotFoundException when the account is not in the organisation of the account that asks */
  async levels(accountId: string): Promise<Standing> {
    const targets = await this.#targetsOf(accountId);
    const [root] = await this.#all("ListRoots", {}, "Roots");
    const enabled = new Set(
      listOf(root?.["PolicyTypes"]).flatMap((one) => (one["Status"] === "ENABLED" ? text(one["Type"]) : [])),
    );
    const documents = new Map<string, Promise<string>>();
    const levels = async (type: string) =>
      enabled.has(type) ? await Promise.all(targets.map((target) => this.#level(target, type, documents))) : [];
    const scps = await levels("SERVICE_CONTROL_POLICY");
    const rcps = await levels("RESOURCE_CONTROL_POLICY");
    return {
      path: targets
        .slice(0, -1)
        .map((target) => `${target}/`)
        .join(""),
      scps,
      rcps,
    };
  }

  /** The document of a policy. @throws AwsError */
  async policy(policyId: string): Promise<string> {
    const policy = membersOf((await this.#ask("DescribePolicy", { PolicyId: policyId }))["Policy"]);
    return text(policy["Content"]);
  }

  /** @throws AwsError */
  async updatePolicy(policyId: string, document: string): Promise<void> {
    await this.#ask("UpdatePolicy", { PolicyId: policyId, Content: document });
  }

  /** From the root to the account. */
  async #targetsOf(accountId: string): Promise<string[]> {
    const targets = [accountId];
    while (targets.length < DEPTH_MAX) {
      const [parent] = await this.#all("ListParents", { ChildId: targets[0] }, "Parents");
      if (parent === undefined) break;
      targets.unshift(text(parent["Id"]));
      if (parent["Type"] === "ROOT") break;
    }
    return targets;
  }

  async #level(
    target: string,
    type: string,
    documents: Map<string, Promise<string>>,
  ): Promise<{ target: string; policies: AttachedPolicy[] }> {
    const attached = await this.#all("ListPoliciesForTarget", { TargetId: target, Filter: type }, "Policies");
    const policies = attached.map(async (one): Promise<AttachedPolicy> => {
      const id = text(one["Id"]);
      let document = documents.get(id);
      if (document === undefined) {
        document = this.policy(id);
        documents.set(id, document);
      }
      return { id, name: text(one["Name"]), document: await document };
    });
    return { target, policies: await Promise.all(policies) };
  }

  /** Every item of a list, page by page. */
  async #all(operation: string, input: Members, member: string): Promise<Members[]> {
    const found: Members[] = [];
    let next: unknown;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer = await this.#ask(operation, { ...input, ...(next === undefined ? {} : { NextToken: next }) });
      found.push(...listOf(answer[member]));
      next = answer["NextToken"] ?? undefined;
      if (next === undefined) break;
    }
    return found;
  }

  async #ask(operation: string, input: Members): Promise<Members> {
    const { origin, region } = this.#home();
    const url = new URL("/", origin);
    const body = JSON.stringify(input);
    const headers = {
      host: url.host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `${TARGET}.${operation}`,
    };
    const signed = await this.#sign({ service: SERVICE, region, path: url.pathname, headers, body });
    const { host: _, ...sent } = headers;
    let answer: Response;
    let answered: string;
    try {
      const signal = AbortSignal.timeout(ANSWER_MS_MAX);
      answer = await fetch(url, { method: "POST", headers: { ...sent, ...signed }, body, redirect: "manual", signal });
      answered = await answer.text();
    } catch (cause) {
      throw unreached(operation, cause);
    }
    const members = parseAnswer(answered);
    if (answer.ok) return members;
    const code = text(members["__type"]).replace(/^.*#/, "") || `Http${answer.status}`;
    const message = text(members["message"] ?? members["Message"]) || code;
    const requestId = answer.headers.get("x-amzn-requestid");
    throw new AwsError(`${SERVICE}:${operation}: ${message}`, {
      service: SERVICE,
      operation,
      code,
      status: answer.status,
      ...(requestId === null ? {} : { requestId }),
    });
  }

  /** One endpoint serves a whole partition. */
  #home(): { readonly origin: string; readonly region: string } {
    const { endpoint, region } = this.#access;
    const { suffix, home } = region.startsWith("cn-")
      ? { suffix: "amazonaws.com.cn", home: "cn-northwest-1" }
      : { suffix: "amazonaws.com", home: region.startsWith("us-gov-") ? "us-gov-west-1" : "us-east-1" };
    return { origin: endpoint ?? `https://${SERVICE}.${home}.${suffix}`, region: home };
  }
}

function unreached(operation: string, cause: unknown): AwsError {
  const inner = cause instanceof Error ? (cause.cause ?? cause) : cause;
  const code = inner instanceof Error && "code" in inner ? String(inner.code) : "NetworkError";
  const message = inner instanceof Error ? inner.message : String(inner);
  return new AwsError(`${SERVICE}:${operation}: ${message}`, { service: SERVICE, operation, code }, { cause });
}

/** What is not JSON comes from somebody who is not AWS Organizations; its status says enough. */
function parseAnswer(body: string): Members {
  try {
    return body === "" ? {} : membersOf(JSON.parse(body));
  } catch {
    return {};
  }
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function listOf(value: unknown): Members[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
