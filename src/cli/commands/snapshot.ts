import { randomBytes } from "node:crypto";
import type { Mask } from "../../doctor/snapshot.ts";
import { type CommandInput, type CommandResult, type CommandSpec, isGiven, textOption } from "../command.ts";
import { CONNECTION_OPTIONS } from "../connection-options.ts";
import type { Context } from "../context.ts";
import { parseBucketUri } from "../s3-uri.ts";

export const snapshotCommand: CommandSpec = {
  name: "snapshot",
  summary: "everything that a diagnosis reads, as a file to look at elsewhere",
  description:
    "Reads the settings of a bucket and of its destinations, the role, the keys and the organisation's policies, looks\n" +
    "at every version, and prints it all as one JSON document, by which diagnose and fix work without credentials. What\n" +
    "may not be read is recorded with the action that was denied. Reads only; secrets are not in it.",
  arguments: [{ name: "s3-uri", help: "s3://BUCKET" }],
  options: [
    { flags: "--prefix <prefix>", help: "only keys that start with this" },
    {
      flags: "--mask",
      help: "other numbers for accounts, the same ones everywhere (LOCKSTEP_MASK_SECRET chooses them)",
    },
    {
      flags: "--mask-keys",
      help: "other names for keys, which the same rules and policies match; leaves messages out",
    },
    ...CONNECTION_OPTIONS,
  ],
  examples: [
    { does: "take one", type: "lockstep snapshot s3://photos > facts.json" },
    { does: "take one to show others", type: "lockstep snapshot s3://photos --mask --mask-keys > shown.json" },
    { does: "look at it anywhere", type: "lockstep diagnose --snapshot facts.json" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const bucket = parseBucketUri(input.arguments[0] ?? "");
  const prefix = textOption(input, "prefix");
  const { connect } = await import("../connection.ts");
  const { scan } = await import("../diagnosis/scan.ts");
  const { snapshotOf, unreadIn } = await import("../../doctor/snapshot.ts");
  const { masked } = await import("../../doctor/snapshot-mask.ts");
  const connection = await connect(input, context);
  try {
    const scope = { bucket, ...(prefix === undefined ? {} : { prefix }) };
    const { setup, alike } = await scan(connection, scope, context);
    const { accountId, endpoint, callerArn: arn } = connection;
    const caller = { accountId, endpoint, ...(arn === undefined ? {} : { arn }) };
    const taken = snapshotOf({ caller, setup, alike, ...(prefix === undefined ? {} : { prefix }) });
    const secret = context.environment["LOCKSTEP_MASK_SECRET"] ?? randomBytes(16).toString("hex");
    const value = masked(taken, masksOf(input), secret);
    // Standard output may be a file: what is missing is told where a person looks.
    for (const one of unreadIn(value)) context.stderr.write(`lockstep: ${one}\n`);
    return { status: 0, value, words: () => JSON.stringify(value, null, 2) };
  } finally {
    await connection.close();
  }
}

function masksOf(input: CommandInput): ReadonlySet<Mask> {
  const masks = new Set<Mask>();
  if (isGiven(input, "mask")) masks.add("accounts");
  if (isGiven(input, "maskKeys")) masks.add("keys");
  return masks;
}
