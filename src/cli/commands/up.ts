import { type CommandInput, type CommandResult, type CommandSpec, isGiven, textOption } from "../command.ts";
import type { Context } from "../context.ts";
import { DEFAULT_CONSOLE_PORT, DEFAULT_DATA_DIR, DEFAULT_HOST, DEFAULT_PORT } from "../defaults.ts";
import { UsageError } from "../errors.ts";

export const upCommand: CommandSpec = {
  name: "up",
  summary: "the embedded whole: S3, IAM, STS and KMS on this machine, and the engine",
  description:
    "Serves the lab and replicates in it, until ctrl-C. Everything is kept in the data directory and survives any end\n" +
    "of the process. With --example it writes an example first and says what went wrong with its replication.",
  arguments: [],
  options: [
    { flags: "--example", help: "write the example, unless it is there already" },
    {
      flags: "--flavour <name>",
      help: "do as another store does: minio, ceph, seaweedfs, garage or r2 (default: aws)",
    },
    { flags: "--data <dir>", help: "where everything is kept", default: DEFAULT_DATA_DIR },
    { flags: "--port <number>", help: "port of S3, IAM, STS and KMS", default: String(DEFAULT_PORT) },
    { flags: "--console-port <number>", help: "port of the console", default: String(DEFAULT_CONSOLE_PORT) },
    { flags: "--host <address>", help: "address to listen on, but for the console", default: DEFAULT_HOST },
    { flags: "--console-host <address>", help: "address that the console listens on", default: DEFAULT_HOST },
    { flags: "--console-tls-cert <file>", help: "certificate in PEM: serves the console with TLS" },
    { flags: "--console-tls-key <file>", help: "its private key in PEM" },
    { flags: "--console-insecure", help: "let the console listen elsewhere without TLS" },
  ],
  examples: [
    { does: "see it work", type: "lockstep up --example" },
    { does: "a lab of your own, kept in a directory", type: "lockstep up --data ./my-lab" },
    { does: "a store that does as MinIO does", type: "lockstep up --data ./my-minio --flavour minio" },
  ],
  run,
};

async function run(input: CommandInput, context: Context): Promise<CommandResult> {
  const { isFlavourName } = await import("../../lab/flavours/flavours.ts");
  const flavour = textOption(input, "flavour") ?? "aws";
  if (!isFlavourName(flavour))
    throw new UsageError(`--flavour is aws, minio, ceph, seaweedfs, garage or r2, not "${flavour}"`);
  const { serve } = await import("../up/serving.ts");
  await serve(
    {
      example: isGiven(input, "example"),
      json: isGiven(input, "json"),
      flavour,
      dataDir: textOption(input, "data") ?? DEFAULT_DATA_DIR,
      host: textOption(input, "host") ?? DEFAULT_HOST,
      port: portNumber(input, "port", "--port"),
      consolePort: portNumber(input, "consolePort", "--console-port"),
      console: await consolePlace(input),
    },
    context,
  );
  return { status: 0, value: undefined, words: () => "" };
}

/** @throws UsageError */
async function consolePlace(input: CommandInput) {
  const [cert, key] = [textOption(input, "consoleTlsCert"), textOption(input, "consoleTlsKey")];
  const place = {
    host: textOption(input, "consoleHost") ?? DEFAULT_HOST,
    ...(isGiven(input, "consoleInsecure") ? { insecure: true } : {}),
  };
  if (cert === undefined && key === undefined) return place;
  if (cert === undefined || key === undefined) {
    throw new UsageError("--console-tls-cert and --console-tls-key go together: give both");
  }
  const { readPem } = await import("../pem.ts");
  return { ...place, tls: { certificate: readPem(cert), key: readPem(key) } };
}

/** 0 takes any free port. */
function portNumber(input: CommandInput, name: string, option: string): number {
  const text = textOption(input, name) ?? "";
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65535)
    throw new UsageError(`${option} takes a port number, 0 to 65535, not "${text}"`);
  return port;
}
