/**
 * The policies that were given along with a configuration, compiled, and whose each of them is: a policy of a bucket or
 * a key does not say so by itself.
 */
import { bucketArn, parseArn } from "../arn.ts";
import { asObject } from "../config/document.ts";
import { type CompiledPolicy, compilePolicy } from "../iam/compile.ts";
import type { PrincipalEntry } from "../iam/document.ts";
import type { Principal } from "../iam/model.ts";
import { parsePolicy } from "../iam/parse.ts";
import type { ReplicationConfiguration } from "../model.ts";
import { REPLICATION_SESSION } from "../plan.ts";
import type { LintDocument } from "./model.ts";
import { GRAMMARS } from "./policy.ts";
import { bucketNamed } from "./resource-policy.ts";

/** The given policies, compiled. The name of each is its file. */
export interface GivenPolicies {
  readonly roleArn: string;
  readonly session: Principal;
  readonly account: string;
  readonly role: readonly CompiledPolicy[];
  /** By ARN of the bucket or key. */
  readonly resources: ReadonlyMap<string, CompiledPolicy>;
  /** Files whose `Statement` is a list. */
  readonly listed: ReadonlySet<string>;
}

/** Compiles what a decision about the configuration's role can be made from. */
export function compileGiven(
  configuration: ReplicationConfiguration,
  documents: readonly LintDocument[],
): GivenPolicies {
  const { roleArn } = configuration;
  const account = parseArn(roleArn)?.account ?? "";
  const name = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  const role: CompiledPolicy[] = [];
  const resources = new Map<string, CompiledPolicy>();
  const listed = new Set<string>();
  for (const { file, kind, value } of documents) {
    if (kind === "replication" || kind === "trust-policy") continue;
    const { document } = parsePolicy(value, GRAMMARS[kind]);
    if (document === undefined) continue;
    const source = { kind: kind === "role-policy" ? ("identity" as const) : ("resource" as const), name: file };
    const compiled = compilePolicy(document, source);
    if (Array.isArray(asObject(value)?.["Statement"])) listed.add(file);
    if (kind === "role-policy") role.push(compiled);
    const arn =
      kind === "bucket-policy"
        ? bucketOfPolicy(compiled)
        : kind === "key-policy"
          ? keyOfPolicy(compiled, configuration, account)
          : undefined;
    if (arn !== undefined) resources.set(arn, compiled);
  }
  const session: Principal = {
    kind: "session",
    accountId: account,
    arn: `arn:aws:sts::${account}:assumed-role/${name}/${REPLICATION_SESSION}`,
    roleArn,
    // Unknown offline: a policy that names the role by its id is told of by itself.
    roleId: "",
    sessionName: REPLICATION_SESSION,
  };
  return { roleArn, session, account, role, resources, listed };
}

/** A bucket policy does not say whose it is, but its resources do. */
function bucketOfPolicy({ document }: CompiledPolicy): string | undefined {
  for (const { resource } of document.statements) {
    for (const pattern of resource?.patterns ?? []) {
      const bucket = bucketNamed(pattern);
      if (bucket !== undefined) return bucketArn(bucket);
    }
  }
  return undefined;
}

/**
 * A key policy names its key seldom. It is the replicas' key's when it is made for that key's account, and that account
 * is not the role's: in one account it could as well be the source's key.
 */
function keyOfPolicy(
  { document }: CompiledPolicy,
  configuration: ReplicationConfiguration,
  roleAccount: string,
): string | undefined {
  const keys = new Set(configuration.rules.flatMap((rule) => rule.destination.replicaKmsKeyArn ?? []));
  const patterns = document.statements.flatMap(({ resource }) => resource?.patterns ?? []);
  const named = [...keys].find((arn) => patterns.includes(arn));
  if (named !== undefined) return named;
  const principals = document.statements.flatMap(({ principal }) => principal?.entries ?? []);
  const owned = [...keys].filter((arn) => {
    const account = parseArn(arn)?.account ?? "";
    return account !== roleAccount && principals.some(({ value }) => value === `arn:aws:iam::${account}:root`);
  });
  return owned.length === 1 ? owned[0] : undefined;
}

/** Stand-ins for documents that were not given. They have no name, as no file is theirs. */
export const ALLOW_EVERYTHING = standIn("identity");
export const ALLOW_EVERYBODY = standIn("resource", { type: "*", value: "*" });

/** What a key's policy says by default: the account's own policies decide. */
export function delegation(account: string): CompiledPolicy {
  return standIn("resource", { type: "AWS", value: account });
}

function standIn(kind: "identity" | "resource", principal?: PrincipalEntry): CompiledPolicy {
  const all = { not: false, patterns: ["*"] };
  const who = principal === undefined ? {} : { principal: { not: false, entries: [principal] } };
  const statements = [{ effect: "Allow" as const, action: all, resource: all, conditions: [], ...who }];
  return compilePolicy({ version: "2012-10-17", statements }, { kind, name: "" });
}
