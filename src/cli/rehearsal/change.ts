/** A change that nobody has made yet, from a file: patches, or a document that is to stand in another's place. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { parseArn } from "../../core/arn.ts";
import { asArray, asObject, asString, type DocumentValue } from "../../core/config/document.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import { PATCH_TARGETS } from "../../core/diagnose/patches.ts";
import type { Patch } from "../../core/diagnose/report.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { requireKnown, requireSound } from "./sound-change.ts";

/** The patches that the change comes to, once it is known what is there. @throws UsageError */
export type Change = (setup: Setup) => readonly Patch[];

const document = z.custom<DocumentValue>((value) => value !== undefined);
const patch = z.object({
  id: z.string().default("p-given"),
  target: z.enum(PATCH_TARGETS),
  resource: z.string(),
  name: z.string().optional(),
  before: document.default(null),
  after: document,
});

/** @param of whose document it is, where it does not say so itself @throws UsageError */
export function changeIn(file: string, of: string | undefined, context: Context): Change {
  if (of !== undefined && !["s3", "iam", "kms"].includes(parseArn(of)?.service ?? ""))
    throw new UsageError(`--of takes the ARN of a bucket, a role or a key, not "${of}"`);
  const change = readChange(file, of, context);
  return (setup) => {
    const patches = change(setup);
    requireSound(patches, file);
    requireKnown(patches, setup, file);
    return patches;
  };
}

function readChange(file: string, of: string | undefined, { workingDirectory }: Context): Change {
  const value = jsonOf(file, resolve(workingDirectory, file));
  const listed = Array.isArray(value) ? value : [value];
  const patches = z.array(patch).min(1).safeParse(listed);
  if (patches.success) {
    const read = patches.data.map(({ name, ...one }) => ({ ...one, ...(name === undefined ? {} : { name }) }));
    requireSound(read, file);
    return () => read;
  }
  const members = asObject(value) ?? {};
  const configuration = asObject(members["ReplicationConfiguration"]) ?? members;
  if (Array.isArray(configuration["Rules"])) {
    return ({ source }) => [given("replication", source.arn, configuration)];
  }
  if (members["Statement"] !== undefined) return (setup) => [policyPatch(setup, members, of, file)];
  const looksLikePatch = listed.every((one) => asObject(one)?.["target"] !== undefined);
  const issue = looksLikePatch ? patches.error.issues[0] : undefined;
  const why = issue === undefined ? "" : `: ${issue.path.join(".")}: ${issue.message}`;
  throw new UsageError(`${file} holds neither patches nor a replication configuration nor a policy${why}`);
}

function jsonOf(file: string, path: string): DocumentValue {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: name a file with the change, as fix --format json writes it`, {
      cause,
    });
  }
  try {
    return JSON.parse(text) as DocumentValue;
  } catch (cause) {
    throw new UsageError(`${file} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function given(target: Patch["target"], resource: string, after: DocumentValue, name?: string): Patch {
  return { id: "p-given", target, resource, ...(name === undefined ? {} : { name }), before: null, after };
}

/** A policy with principals belongs to the one bucket that it names; one without, to the role. */
function policyPatch(
  setup: Setup,
  policy: { readonly [name: string]: DocumentValue },
  of: string | undefined,
  file: string,
): Patch {
  const held = policy["Statement"] ?? [];
  const statements = (Array.isArray(held) ? asArray(held) : [held]).map((one) => asObject(one) ?? {});
  const hasPrincipal = statements.some((one) => one["Principal"] !== undefined || one["NotPrincipal"] !== undefined);
  const buckets = [setup.source, ...Object.values(setup.destinations)];
  const resources = statements.flatMap((one) => [one["Resource"] ?? ""].flat()).flatMap((one) => asString(one) ?? []);
  const named = buckets.filter(({ arn }) => resources.some((one) => one === arn || one.startsWith(`${arn}/`)));
  const whose = of ?? (hasPrincipal && named.length === 1 ? named[0]?.arn : undefined);
  const role = setup.role.state === "read" ? setup.role.value : undefined;
  if (whose !== undefined && parseArn(whose)?.service === "kms") return given("kms-key-policy", whose, policy);
  if (whose !== undefined && parseArn(whose)?.service === "s3") return given("bucket-policy", whose, policy);
  if (role !== undefined && (whose === role.arn || (whose === undefined && !hasPrincipal))) {
    const isTrust = statements.every((one) => one["Resource"] === undefined);
    if (isTrust) return given("iam-trust-policy", role.arn, policy);
    const inline = role.policies.filter((one) => one.kind === "inline");
    const [only] = inline;
    if (inline.length <= 1) return given("iam-role-policy", role.arn, policy, only?.name ?? "given");
    throw new UsageError(
      `${file}: role ${role.name} has ${inline.length} inline policies: give a patch that names one`,
    );
  }
  throw new UsageError(`${file} is a policy of nobody knows whom: --of ARN names the bucket, role or key`);
}
