/** What `up` does: starts everything, writes the example, says what is wrong, serves until it is interrupted. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { KmsControl } from "../../aws/kms.ts";
import type { Diagnosis } from "../../core/diagnose/report.ts";
import { scannedLine } from "../../doctor/report.ts";
import type { FlavourName } from "../../lab/flavours/flavours.ts";
import { createS3Client } from "../../s3/client.ts";
import { openConnection } from "../connection.ts";
import { ConsoleClient } from "../console-client.ts";
import { type Context, styled } from "../context.ts";
import { DEFAULT_ACCOUNT, DEFAULT_DATA_DIR } from "../defaults.ts";
import { scan } from "../diagnosis/scan.ts";
import { type Embedded, type EmbeddedOptions, startEmbedded } from "./embedded.ts";
import { EXAMPLE_BUCKET, EXAMPLE_REPLICA_BUCKET, EXAMPLE_TASKS, writeExample } from "./example.ts";

export interface ServeOptions {
  readonly example: boolean;
  readonly json: boolean;
  readonly flavour: FlavourName;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly consolePort: number;
  readonly console: NonNullable<EmbeddedOptions["console"]>;
}

/** Resolves after everything is closed again. */
export async function serve(options: ServeOptions, context: Context): Promise<void> {
  const { clock, environment, stderr, stdout, interrupted } = context;
  const embedded = await startEmbedded({
    ...options,
    clock,
    environment,
    onFault: (what, error) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      stderr.write(`lockstep: a fault in ${what}: ${text}\n`);
    },
  });
  try {
    const diagnosis = options.example ? await showExample(embedded, context) : undefined;
    const { endpoint, consoleUrl } = embedded;
    const words = options.json
      ? JSON.stringify({
          endpoint,
          consoleUrl,
          dataDir: options.dataDir,
          ...(diagnosis === undefined ? {} : { diagnosis }),
        })
      : upWords(embedded, options.dataDir, diagnosis);
    stdout.write(`${words}\n`);
    if (!interrupted.aborted) await once(interrupted, "abort");
  } finally {
    if (!options.json) stderr.write("stopping\n");
    await embedded.close();
  }
}

const POLL_MS = 50;
/** The example replicates in a second or two; a machine that needs so much longer shows what it has. */
const SETTLE_MS_MAX = 120_000;

async function showExample(embedded: Embedded, context: Context): Promise<Diagnosis> {
  const { lab, endpoint, token, consoleUrl } = embedded;
  const { clock, stderr } = context;
  const credentials = await lab.account(DEFAULT_ACCOUNT);
  const access = { endpoint, region: "us-east-1", credentials: async () => credentials };
  const connection = await openConnection(access, clock, new ConsoleClient(consoleUrl, token));
  const source = createS3Client({ endpoint, region: "us-east-1", credentials, clock });
  const replica = createS3Client({ endpoint, region: "eu-west-1", credentials, clock });
  const show = (text: string) => {
    if (stderr.isTTY === true) stderr.write(`\r\u001b[K${text}`);
  };
  try {
    const { iam, accountId } = connection;
    await writeExample({ source, replica, iam, kms: new KmsControl(access), accountId }, (done, all) =>
      show(`writing the example: ${done} of ${all}`),
    );
    await settle(embedded, context, show);
    show("");
    return (await scan(connection, { bucket: EXAMPLE_BUCKET }, context)).diagnosis;
  } finally {
    await Promise.all([source.close(), replica.close(), connection.close()]);
  }
}

/** Waits until every task of the example is COMPLETED or FAILED. */
async function settle(embedded: Embedded, context: Context, show: (text: string) => void): Promise<void> {
  const untilMs = context.clock() + SETTLE_MS_MAX;
  while (context.clock() < untilMs && !context.interrupted.aborted) {
    const counts = await embedded.ledger.counts(EXAMPLE_BUCKET);
    const ended = counts.filter((one) => one.state === "completed" || one.state === "parked");
    const tasks = ended.reduce((sum, one) => sum + one.tasks, 0);
    const isUndone = counts.some((one) => one.state === "waiting" || one.state === "leased");
    if (tasks >= EXAMPLE_TASKS && !isUndone) return;
    show(`replicating: ${tasks} of ${EXAMPLE_TASKS}`);
    await sleep(POLL_MS);
  }
}

function upWords(embedded: Embedded, dataDir: string, diagnosis: Diagnosis | undefined): string {
  const where = dataDir === DEFAULT_DATA_DIR ? "" : ` --data ${dataDir}`;
  const lines = [
    `${styled("bold", "Lockstep")} serves S3, IAM, STS and KMS at ${styled("cyan", embedded.endpoint)}`,
    `console at ${styled("cyan", `${embedded.consoleUrl}/#token=${embedded.token}`)}`,
    `data in ${dataDir} · ctrl-C stops`,
  ];
  if (diagnosis !== undefined) lines.push("", ...exampleWords(diagnosis));
  lines.push("", "In another terminal:", `  eval "$(npx lockstep env${where})"`);
  if (diagnosis === undefined) lines.push("  aws --endpoint-url $AWS_ENDPOINT_URL s3 ls");
  else lines.push(`  npx lockstep diagnose s3://${EXAMPLE_BUCKET}`);
  return lines.join("\n");
}

function exampleWords(diagnosis: Diagnosis): string[] {
  const lines = [
    `s3://${EXAMPLE_BUCKET} (us-east-1) → s3://${EXAMPLE_REPLICA_BUCKET} (eu-west-1), rule "everything"`,
    scannedLine(diagnosis, styled),
  ];
  for (const [index, cause] of diagnosis.causes.entries()) {
    const [evidence] = cause.evidence;
    lines.push(
      "",
      styled("bold", `${index + 1}. ${cause.affected.versions} versions: ${cause.title}`),
      `   ${styled("cyan", cause.code)}: ${evidence?.says ?? ""}`,
      `   ${styled("dim", evidence?.source ?? "")}`,
    );
  }
  if (diagnosis.causes.length === 0) lines.push("", styled("green", "Nothing is wrong."));
  return lines;
}
