/**
 * Reads the JSON cases under `test/fixtures/iam` and builds from each what the evaluator takes.
 *
 * The shapes are for people who do not program: a policy is written in place or by its name in the file's `policies`,
 * a principal by its ARN or by its name in `principals`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { type CompiledPolicy, compilePolicy } from "../../src/core/iam/compile.ts";
import { principalContext } from "../../src/core/iam/context.ts";
import type { DocumentKind } from "../../src/core/iam/document.ts";
import type { Policies } from "../../src/core/iam/evaluate.ts";
import type {
  AccessRequest,
  Grant,
  NearMiss,
  PolicyKind,
  Principal,
  RequestContext,
} from "../../src/core/iam/model.ts";
import { parsePolicy } from "../../src/core/iam/parse.ts";
import type { Json, JsonObject, ReferencePolicies } from "./reference.ts";

const FOLDER = new URL("../../../test/fixtures/iam/", import.meta.url);

/** A document, or its name in the file. */
type PolicyText = string | JsonObject;

interface CaseFile {
  readonly about: string;
  readonly policies?: Readonly<Record<string, JsonObject>>;
  readonly principals?: Readonly<Record<string, PrincipalText>>;
  readonly cases?: readonly Case[];
  readonly conditions?: readonly ConditionCase[];
  readonly patterns?: readonly PatternCase[];
  readonly documents?: readonly DocumentCase[];
}

export interface Case {
  readonly name: string;
  readonly source: string;
  readonly documents: {
    readonly identity?: readonly PolicyText[];
    readonly boundary?: PolicyText;
    readonly session?: readonly PolicyText[];
    readonly resource?: PolicyText;
    readonly trust?: PolicyText;
    readonly key?: PolicyText;
    readonly grants?: readonly Grant[];
    readonly scps?: readonly (readonly PolicyText[])[];
    readonly rcps?: readonly (readonly PolicyText[])[];
    readonly vpcEndpoint?: PolicyText;
  };
  readonly request: {
    readonly principal: PrincipalText;
    readonly action: string;
    readonly resource: string;
    /** Without it the resource belongs to the principal's account. */
    readonly account?: string;
    readonly context?: RequestContext;
  };
  readonly expected: Expected;
}

/** Exactly one of `allowedBy`, `deniedBy` and `missing`; a statement is named by its Sid, or by its number from 1. */
export interface Expected {
  readonly allowedBy?: string;
  readonly andBy?: string;
  readonly deniedBy?: string;
  readonly missing?: readonly PolicyKind[];
  /** The kind of policy that the deciding statement stands in. */
  readonly in?: PolicyKind;
  /** The Sid of the statement, and what failed. */
  readonly nearMisses?: readonly (Pick<NearMiss, "failed" | "expected" | "actual"> & { readonly statement: string })[];
  /** AWS's message. */
  readonly message?: string;
  /** Our sentence. */
  readonly says?: string;
}

export type PrincipalText =
  | string
  | { readonly root: string }
  | { readonly user: string; readonly id?: string }
  | { readonly role: string; readonly session: string; readonly id?: string; readonly canonicalUser?: string }
  | { readonly service: string };

/** Whether a Condition block holds for a context. */
export interface ConditionCase {
  readonly name: string;
  readonly source: string;
  readonly version?: string;
  readonly condition: JsonObject;
  readonly context: RequestContext;
  readonly holds: boolean;
}

/** Whether an Action or a Resource pattern covers an action or a resource. */
export interface PatternCase {
  readonly name: string;
  readonly source: string;
  readonly version?: string;
  readonly statement: JsonObject;
  readonly action?: string;
  readonly resource?: string;
  readonly context?: RequestContext;
  readonly matches: boolean;
}

/** What the parser finds wrong with a document. */
export interface DocumentCase {
  readonly name: string;
  readonly source: string;
  readonly kind: DocumentKind;
  /** JSON text, for what a JSON value cannot show. */
  readonly text?: string;
  readonly document?: Json;
  readonly problems: readonly { readonly code: string; readonly path: string }[];
  /** Whether the document can still be read; without it, exactly when it has no problems. */
  readonly readable?: boolean;
}

/** A case with the names of its file filled in. */
export interface PreparedCase {
  readonly title: string;
  readonly request: AccessRequest;
  readonly policies: Policies;
  readonly reference: ReferencePolicies;
  readonly expected: Expected;
}

export function readCaseFiles(): readonly { readonly fileName: string; readonly file: CaseFile }[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  return names.sort().map((fileName) => {
    const file = JSON.parse(readFileSync(new URL(fileName, FOLDER), "utf8")) as CaseFile;
    return { fileName, file };
  });
}

/** Fills in the names, parses and compiles. Throws when a document has problems or a name is unknown. */
export function prepareCase(one: Case, file: CaseFile): PreparedCase {
  const document = (text: PolicyText): JsonObject => {
    const found = typeof text === "string" ? file.policies?.[text] : text;
    if (found === undefined) throw new Error(`${one.name}: no policy is called ${JSON.stringify(text)}`);
    return found;
  };
  const compile = (text: PolicyText, kind: PolicyKind, documentKind: DocumentKind): CompiledPolicy => {
    const name = `${kind} policy${typeof text === "string" ? ` "${text}"` : ""}`;
    return compileDocument(document(text), { kind, name, documentKind });
  };
  const { identity = [], boundary, session, resource, trust, key, grants, scps, rcps, vpcEndpoint } = one.documents;
  const own = resource ?? trust ?? key;
  const resourceRule = trust === undefined && key === undefined ? "either" : "resource";
  const principal = readPrincipal(one.request.principal, file);
  const policies: Policies = {
    identity: identity.map((text) => compile(text, "identity", "identity")),
    resourceRule,
    ...(boundary === undefined ? {} : { boundary: compile(boundary, "boundary", "identity") }),
    ...(session === undefined ? {} : { session: session.map((text) => compile(text, "session", "identity")) }),
    ...(own === undefined ? {} : { resource: compile(own, "resource", trust === undefined ? "resource" : "trust") }),
    ...(grants === undefined ? {} : { grants }),
    ...(scps === undefined ? {} : { scps: scps.map((level) => level.map((text) => compile(text, "scp", "identity"))) }),
    ...(rcps === undefined ? {} : { rcps: rcps.map((level) => level.map((text) => compile(text, "rcp", "resource"))) }),
    ...(vpcEndpoint === undefined ? {} : { vpcEndpoint: compile(vpcEndpoint, "vpcEndpoint", "resource") }),
  };
  const reference: ReferencePolicies = {
    identity: identity.map(document),
    resourceRule,
    ...(boundary === undefined ? {} : { boundary: document(boundary) }),
    ...(session === undefined ? {} : { session: session.map(document) }),
    ...(own === undefined ? {} : { resource: document(own) }),
    ...(grants === undefined ? {} : { grants }),
    ...(scps === undefined ? {} : { scps: scps.map((level) => level.map(document)) }),
    ...(rcps === undefined ? {} : { rcps: rcps.map((level) => level.map(document)) }),
    ...(vpcEndpoint === undefined ? {} : { vpcEndpoint: document(vpcEndpoint) }),
  };
  const request: AccessRequest = {
    principal,
    action: one.request.action,
    resource: one.request.resource,
    resourceAccount: one.request.account ?? ("accountId" in principal ? principal.accountId : "111122223333"),
    context: { ...principalContext(principal), ...lowerKeys(one.request.context ?? {}) },
  };
  return { title: `${one.name} (${one.source})`, request, policies, reference, expected: one.expected };
}

/** Parses and compiles one document; throws when it has problems. */
export function compileDocument(
  document: Json,
  source: { readonly kind: PolicyKind; readonly name: string; readonly documentKind: DocumentKind },
): CompiledPolicy {
  const { documentKind, ...rest } = source;
  const parsed = parsePolicy(document, documentKind);
  if (parsed.document === undefined || parsed.problems.length > 0) {
    throw new Error(`${source.name}: ${JSON.stringify(parsed.problems)}`);
  }
  return compilePolicy(parsed.document, rest);
}

export function lowerKeys(context: RequestContext): RequestContext {
  return Object.fromEntries(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
}

function readPrincipal(text: PrincipalText, file: CaseFile): Principal {
  if (text === "anonymous") return { kind: "anonymous" };
  if (typeof text === "string") {
    const named = file.principals?.[text];
    if (named === undefined) throw new Error(`no principal is called ${text}`);
    return readPrincipal(named, file);
  }
  if ("service" in text) return { kind: "service", service: text.service };
  if ("root" in text) return { kind: "root", accountId: text.root, arn: `arn:aws:iam::${text.root}:root` };
  if ("user" in text) {
    return { kind: "user", accountId: accountIn(text.user), arn: text.user, userId: text.id ?? "AIDAEXAMPLEUSER00001" };
  }
  const accountId = accountIn(text.role);
  const name = text.role.slice(text.role.lastIndexOf("/") + 1);
  return {
    kind: "session",
    accountId,
    arn: `arn:aws:sts::${accountId}:assumed-role/${name}/${text.session}`,
    roleArn: text.role,
    roleId: text.id ?? "AROAEXAMPLEROLE00001",
    sessionName: text.session,
    ...(text.canonicalUser === undefined ? {} : { canonicalUserId: text.canonicalUser }),
  };
}

function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}
