/** The variables that point a shell at a lab: asked of the process that serves it, or read from its data directory. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Context } from "../context.ts";
import { DEFAULT_CONSOLE_PORT, DEFAULT_HOST, DEFAULT_PORT } from "../defaults.ts";
import { AccessError, UsageError } from "../errors.ts";
import { type Running, readRunning } from "./running.ts";

const rootCredentials = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

/** @throws UsageError when there is no lab in the directory; AccessError when its process does not answer as it should */
export async function labEnvironment(
  wanted: { readonly account: string; readonly region: string; readonly dataDir: string },
  context: Context,
): Promise<Record<string, string>> {
  const { account, region, dataDir } = wanted;
  const tokenPath = join(dataDir, "token");
  if (!existsSync(tokenPath)) {
    throw new UsageError(
      `there is no lab in ${dataDir}: start one with \`lockstep up --data ${dataDir}\`, or name its directory with --data`,
    );
  }
  const token = readFileSync(tokenPath, "utf8").trim();
  const running = await answering(readRunning(dataDir));
  const { accessKeyId, secretAccessKey } =
    running === undefined ? await fromDirectory(dataDir, account, context) : await fromProcess(running, token, account);
  return {
    AWS_ENDPOINT_URL: running?.endpoint ?? `http://${DEFAULT_HOST}:${DEFAULT_PORT}`,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    LOCKSTEP_CONSOLE_URL: running?.consoleUrl ?? `http://${DEFAULT_HOST}:${DEFAULT_CONSOLE_PORT}`,
    LOCKSTEP_CONSOLE_TOKEN: token,
  };
}

/** A file may be left over from a process that was killed. */
async function answering(running: Running | undefined): Promise<Running | undefined> {
  if (running === undefined) return undefined;
  const answer = await fetch(`${running.endpoint}/_lockstep/health`).catch(() => undefined);
  return answer?.ok === true ? running : undefined;
}

async function fromProcess(running: Running, token: string, account: string): Promise<z.infer<typeof rootCredentials>> {
  const answer = await fetch(`${running.endpoint}/_lockstep/accounts/${account}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok)
    throw new AccessError(`the lab at ${running.endpoint} answers ${answer.status}: is it the one that --data names?`);
  return rootCredentials.parse(await answer.json());
}

async function fromDirectory(
  dataDir: string,
  account: string,
  context: Context,
): Promise<z.infer<typeof rootCredentials>> {
  const { openLab } = await import("../../lab/lab.ts");
  const lab = await openLab({ dataDir, clock: context.clock });
  try {
    return await lab.account(account);
  } finally {
    await lab.close();
  }
}
