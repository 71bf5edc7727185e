/** Policy documents as IAM takes, keeps and returns them: text that is checked, compiled and encoded. */

import { assert } from "../../core/assert.ts";
import { type CompiledPolicy, compilePolicy } from "../../core/iam/compile.ts";
import type { PolicySource } from "../../core/iam/model.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import type { PolicyProblem } from "../../core/iam/problems.ts";
import { remembered } from "../records.ts";
import { malformedDocument } from "./errors.ts";
import { type Holder, holderArn, type ManagedPolicy, type PolicyVersion, type Role } from "./model.ts";

/** @throws ServiceError MalformedPolicyDocument with the first problem */
export function checkDocument(text: string, kind: "identity" | "trust"): void {
  const [problem] = parsePolicy(text, kind).problems;
  if (problem !== undefined) throw malformedDocument(sayProblem(problem));
}

/** AWS's sentence for a problem, and then ours, which says where it is. */
function sayProblem({ code, path, says }: PolicyProblem): string {
  const place = path === "" ? "" : `${path}: `;
  return `${AWS_WORDS[code] ?? "Syntax errors in policy."} (${place}${says})`;
}

/** Where AWS says more than that the syntax is wrong. Gathered from answers that people show; not one list of AWS's. */
const AWS_WORDS: Partial<Record<PolicyProblem["code"], string>> = {
  notJson: "This policy contains invalid Json",
  badVersion: "The policy must contain a valid version string",
  badAction: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
  badResource: 'Resources must be in ARN format or "*".',
  principalNotAllowed: "Policy document should not specify a principal.",
  resourceNotAllowed: "Has prohibited field Resource",
  badPrincipal: "Invalid principal in policy",
  repeatedSid: "Statement IDs (SID) in a single policy must be unique.",
  badSid:
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
};

/** The size that counts against quotas: white space is free. */
export function documentSize(text: string): number {
  return text.replace(/\s/g, "").length;
}

/** Percent-encoded as RFC 3986 has it: how IAM returns documents. */
export function encodeDocument(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Compiles a document that was checked when it was stored. */
export function compileDocument(
  text: string,
  kind: "identity" | "trust" | "resource",
  source: PolicySource,
): CompiledPolicy {
  const { document } = parsePolicy(text, kind);
  assert(document !== undefined, `${source.name} was stored although it does not parse`);
  return compilePolicy(document, source);
}

export function defaultVersion(policy: ManagedPolicy): PolicyVersion {
  const found = policy.versions.find((one) => one.id === policy.defaultVersionId);
  assert(found !== undefined, `${policy.arn} has no version ${policy.defaultVersionId}`);
  return found;
}

/** Compiles on first use, once for each record: a changed record is another object. */
export class CompiledDocuments {
  readonly #inline = new WeakMap<Holder, readonly CompiledPolicy[]>();
  readonly #managed = new WeakMap<ManagedPolicy, CompiledPolicy>();
  readonly #boundaries = new WeakMap<ManagedPolicy, CompiledPolicy>();
  readonly #trust = new WeakMap<Role, CompiledPolicy>();

  inlinePolicies(holder: Holder): readonly CompiledPolicy[] {
    return remembered(this.#inline, holder, () =>
      Object.entries(holder.inline).map(([name, text]) =>
        compileDocument(text, "identity", {
          kind: "identity",
          name: `inline policy "${name}" of ${holder.kind} ${holder.name}`,
          attachedTo: holderArn(holder),
        }),
      ),
    );
  }

  managedPolicy(policy: ManagedPolicy): CompiledPolicy {
    return remembered(this.#managed, policy, () =>
      compileDocument(defaultVersion(policy).document, "identity", {
        kind: "identity",
        name: `managed policy "${policy.name}"`,
        attachedTo: policy.arn,
      }),
    );
  }

  boundary(policy: ManagedPolicy): CompiledPolicy {
    return remembered(this.#boundaries, policy, () =>
      compileDocument(defaultVersion(policy).document, "identity", {
        kind: "boundary",
        name: `permissions boundary "${policy.name}"`,
        attachedTo: policy.arn,
      }),
    );
  }

  trustPolicy(role: Role): CompiledPolicy {
    return remembered(this.#trust, role, () =>
      compileDocument(role.trust, "trust", {
        kind: "resource",
        name: `trust policy of role ${role.name}`,
        attachedTo: holderArn(role),
      }),
    );
  }
}
