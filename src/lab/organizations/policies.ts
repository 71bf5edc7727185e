/** Policies of an organisation: AWS's own two, and what others must fulfil. */
import { assert } from "../../core/assert.ts";
import { type CompiledPolicy, compilePolicy } from "../../core/iam/compile.ts";
import type { PolicyDocument, Statement } from "../../core/iam/document.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import { constraintViolated, malformedPolicy } from "./errors.ts";
import type { Policy, PolicyType } from "./model.ts";

/** Attached to everything when a type is enabled: without policies of one's own nothing is capped. */
export const DEFAULT_POLICIES: Readonly<Record<PolicyType, Policy>> = {
  SERVICE_CONTROL_POLICY: {
    id: "p-FullAWSAccess",
    organizationId: "aws",
    type: "SERVICE_CONTROL_POLICY",
    name: "FullAWSAccess",
    description: "Allows access to every operation",
    content: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] }),
  },
  RESOURCE_CONTROL_POLICY: {
    id: "p-RCPFullAWSAccess",
    organizationId: "aws",
    type: "RESOURCE_CONTROL_POLICY",
    name: "RCPFullAWSAccess",
    description: "Allows access to all resources",
    content: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }],
    }),
  },
};

const WORDS = {
  SERVICE_CONTROL_POLICY: { kind: "scp", syntax: "identity", name: "service control policy" },
  RESOURCE_CONTROL_POLICY: { kind: "rcp", syntax: "resource", name: "resource control policy" },
} as const;

const POLICY_CHARACTERS_MAX = 5120;

/**
 * @throws ServiceError MalformedPolicyDocumentException, ConstraintViolationException
 * @source AWS Organizations User Guide, "SCP syntax", "RCP syntax"
 */
export function checkContent(type: PolicyType, content: string): void {
  if (content.length > POLICY_CHARACTERS_MAX) {
    throw constraintViolated("You have exceeded the maximum size of a policy.", "POLICY_CONTENT_LIMIT_EXCEEDED");
  }
  const { document, problems } = parsePolicy(content, WORDS[type].syntax);
  const [problem] = problems;
  if (problem !== undefined)
    throw malformedPolicy(problem.path === "" ? problem.says : `${problem.path}: ${problem.says}`);
  if (type === "RESOURCE_CONTROL_POLICY" && document !== undefined) checkResourceControl(document);
}

/** Resource control policies of customers only deny, and everybody. */
function checkResourceControl(document: PolicyDocument): void {
  for (const [index, statement] of document.statements.entries()) {
    const says = wrongInResourceControl(statement);
    if (says !== undefined) throw malformedPolicy(`Statement[${index}]: ${says}`);
  }
}

function wrongInResourceControl({ effect, principal, action }: Statement): string | undefined {
  if (effect === "Allow") return "Only RCPFullAWSAccess may have the Effect Allow.";
  const isEverybody = principal?.entries.length === 1 && principal.entries[0]?.type === "*" && !principal.not;
  if (!isEverybody) return 'The Principal has to be "*".';
  return action.not ? "NotAction may not stand here." : undefined;
}

/** Compiles a policy that was checked when it was stored. */
export function compileContent(policy: Policy): CompiledPolicy {
  const { kind, syntax, name } = WORDS[policy.type];
  const { document } = parsePolicy(policy.content, syntax);
  assert(document !== undefined, `${policy.id} was stored although it does not parse`);
  return compilePolicy(document, { kind, name: `${name} "${policy.name}" (${policy.id})` });
}
