import { type CommandInput, type CommandResult, type CommandSpec, textOption, textOptions } from "../command.ts";
import { UsageError } from "../errors.ts";

export const policyCommand: CommandSpec = {
  name: "policy",
  summary: "the smallest IAM policy for who looks, who fixes, or the role that replicates",
  description:
    "Prints an IAM policy. doctor: what status, diagnose, snapshot, rehearse and audit read, and nothing that changes\n" +
    "anything; with --evidence and --queue also logs, inventories, reports and events. auditor: that, and the bytes of\n" +
    "encrypted versions for audit --verify. canary: what canary writes, reads back and removes; give doctor beside it, to be\n" +
    "told why one failed. fixer: what doctor may, and what fix --apply writes. engine: what the replication role needs, as\n" +
    "planned step by step; where the destination is another account's, its bucket policy and key policy have to allow the\n" +
    "same. Asks nobody.",
  arguments: [{ name: "reader", help: "doctor, auditor, canary, fixer or engine" }],
  options: [
    { flags: "--bucket <name>", help: "the source; default: every bucket" },
    { flags: "--destination <name>", help: "a destination; may be repeated; default: every bucket", isRepeated: true },
    { flags: "--role <arn>", help: "the replication role; default: every role" },
    { flags: "--key <arn>", help: "a KMS key; may be repeated; default: every key", isRepeated: true },
    {
      flags: "--evidence <name>",
      help: "a bucket with logs, inventories or reports; may be repeated; default: none",
      isRepeated: true,
    },
    { flags: "--queue <arn>", help: "a queue with events; may be repeated; default: none", isRepeated: true },
  ],
  examples: [
    {
      does: "what to allow who diagnoses a bucket",
      type: "lockstep policy doctor --bucket photos --destination photos-replica",
    },
    {
      does: "what the replication role needs",
      type: "lockstep policy engine --bucket photos --destination photos-replica",
    },
  ],
  run,
};

async function run(input: CommandInput): Promise<CommandResult> {
  const [reader] = input.arguments;
  const { policyFor, READERS } = await import("../../doctor/policies.ts");
  const known = READERS.find((one) => one === reader);
  if (known === undefined) {
    const all = `${READERS.slice(0, -1).join(", ")} or ${READERS.at(-1) ?? ""}`;
    throw new UsageError(`there is no policy for "${reader ?? ""}": choose ${all}`);
  }
  const roleArn = matching(textOption(input, "role"), /^arn:[a-z-]+:iam::\d{12}:role\/.+$/, "--role", "of a role");
  const keyArns = textOptions(input, "key").map(
    (one) => matching(one, /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/.+$/, "--key", "of a KMS key") ?? one,
  );
  const bucket = bucketName(textOption(input, "bucket"), "--bucket");
  const value = policyFor(known, {
    evidence: textOptions(input, "evidence").flatMap((one) => bucketName(one, "--evidence") ?? []),
    queueArns: textOptions(input, "queue").map(
      (one) => matching(one, /^arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:.+$/, "--queue", "of a queue") ?? one,
    ),
    destinations: textOptions(input, "destination").flatMap((one) => bucketName(one, "--destination") ?? []),
    keyArns,
    ...(bucket === undefined ? {} : { bucket }),
    ...(roleArn === undefined ? {} : { roleArn }),
  });
  return { status: 0, value, words: () => JSON.stringify(value, null, 2) };
}

function matching(text: string | undefined, form: RegExp, option: string, what: string): string | undefined {
  if (text === undefined || form.test(text)) return text;
  throw new UsageError(`${option} takes the ARN ${what}, not "${text}"`);
}

/** @source S3 User Guide, "Bucket naming rules" */
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

function bucketName(text: string | undefined, option: string): string | undefined {
  if (text === undefined || BUCKET_NAME.test(text)) return text;
  throw new UsageError(`${option} takes the name of a bucket, such as photos, not "${text}"`);
}
