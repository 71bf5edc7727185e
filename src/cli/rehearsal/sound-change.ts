/**
 * Whether a change from a file can be tried at all: each of its documents is one that AWS would take, and each is of something
 * that the bucket's replication depends on. Otherwise a rehearsal would try nothing, or what nobody can ever write.
 */
import { parseReplication } from "../../core/config/parse.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import type { Patch } from "../../core/diagnose/report.ts";
import type { DocumentKind } from "../../core/iam/document.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import { UsageError } from "../errors.ts";

/** @throws UsageError that names the first problem of the first document that AWS would refuse */
export function requireSound(patches: readonly Patch[], file: string): void {
  for (const patch of patches) {
    const problem = problemOf(patch);
    if (problem !== undefined) throw new UsageError(`${file}: AWS would refuse this ${patch.target}: ${problem}`);
  }
}

const POLICIES: Readonly<Partial<Record<Patch["target"], readonly DocumentKind[]>>> = {
  "bucket-policy": ["resource"],
  "kms-key-policy": ["resource"],
  "iam-role-policy": ["identity"],
  "iam-boundary-policy": ["identity"],
  "iam-trust-policy": ["trust"],
  // A service control policy is written as an identity's, a resource control policy as a resource's.
  "organization-policy": ["identity", "resource"],
};

function problemOf({ target, after }: Patch): string | undefined {
  if (after === null) return undefined;
  if (target === "replication") {
    const [problem] = parseReplication(after).problems;
    return problem === undefined ? undefined : placed(problem.path, problem.says);
  }
  const found = (POLICIES[target] ?? []).map((kind) => parsePolicy(after, kind).problems[0]);
  const [problem] = found;
  return problem === undefined || found.includes(undefined) ? undefined : placed(problem.path, problem.says);
}

function placed(path: string, says: string): string {
  return path === "" ? says : `${path}: ${says}`;
}

/** @throws UsageError that names what is no part of the setup, and what is */
export function requireKnown(patches: readonly Patch[], setup: Setup, file: string): void {
  const known = resourcesOf(setup);
  // What could not be read may be anything.
  if (known === undefined) return;
  for (const { target, resource, name } of patches) {
    const named = name?.startsWith("arn:") === true ? name : resource;
    if (known.has(named)) continue;
    const all = [...known].filter((one) => one.startsWith("arn:")).join(", ");
    throw new UsageError(
      `${file} changes the ${target} of ${named}, on which s3://${setup.source.name} does not depend: that are ${all}`,
    );
  }
}

/** Undefined where the role or the organisation could not be read. */
function resourcesOf({ source, destinations, role, keys, organization }: Setup): ReadonlySet<string> | undefined {
  if (role.state === "unreadable" || organization.state === "unreadable") return undefined;
  const known = new Set<string>();
  for (const { arn, name } of [source, ...Object.values(destinations)]) known.add(arn).add(name);
  if (role.state === "read") {
    const { arn, policies, boundary } = role.value;
    for (const one of [arn, boundary?.arn, ...policies.map((held) => held.arn)]) if (one !== undefined) known.add(one);
  }
  for (const [name, key] of Object.entries(keys)) known.add(name).add(key.state === "read" ? key.value.arn : name);
  if (organization.state === "read") {
    const { scps, rcps } = organization.value;
    const levels = [...Object.values(scps), ...Object.values(rcps)].flat();
    for (const { policies } of levels) for (const { id } of policies) known.add(id);
  }
  return known;
}
