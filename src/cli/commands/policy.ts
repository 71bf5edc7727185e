import { type CommandInput, type CommandResult, type CommandSpec, textOption, textOptions } from "../command.ts";
import { UsageError } from "../errors.ts";

export const policyCommand: CommandSpec = {
  name: "policy",
  summary: "the smallest IAM policy for who looks, who fixes, or the role that replicates",
  description:
    "Prints an IAM policy. doctor: what status, diagnose and snapshot read, and nothing that changes anything. fixer: that,\n" +
    "and what fix --apply writes. engine: what the replication role needs, as planned step by step; where the destination is\n" +
    "another account's, its bucket policy and key policy have to allow the same. Asks nobody.",
  arguments: [{ name: "reader", help: "doctor, fixer or engine" }],
  options: [
    { flags: "--bucket <name>", help: "the source; default: every bucket" },
    { flags: "--destination <name>", help: "a destination; may be repeated; default: every bucket", isRepeated: true },
    { flags: "--role <arn>", help: "the replication role; default: every role" },
    { flags: "--key <arn>", help: "a KMS key; may be repeated; default: every key", isRepeated: true },
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
  if (reader !== "doctor" && reader !== "fixer" && reader !== "engine") {
    throw new UsageError(`there is no policy for "${reader ?? ""}": choose doctor, fixer or engine`);
  }
  const { policyFor } = await import("../../doctor/policies.ts");
  const roleArn = matching(textOption(input, "role"), /^arn:[a-z-]+:iam::\d{12}:role\/.+$/, "--role", "of a role");
  const keyArns = textOptions(input, "key").map(
    (one) => matching(one, /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/.+$/, "--key", "of a KMS key") ?? one,
  );
  const bucket = bucketName(textOption(input, "bucket"), "--bucket");
  const value = policyFor(reader, {
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
