/** A `lockstep run` that the gateway here tells of every change, as an operator would set it up; scans are its net. */
import { replication } from "../../e2e/two-stores.ts";
import { notify } from "../../real/rgw-topics.ts";
import type { Running, RunWorld } from "../../real/run-world.ts";

const TOKEN = "a-token-of-the-bench";
const INTAKE = `intake: {scan: {every: 1m}, webhooks: [{site: here, port: 0, token: "\${HOOK}"}]}\nconsole: {port: 0}`;

export async function startLive(world: RunWorld, bucket: string): Promise<Running> {
  const { stores } = world;
  await stores.bucket(bucket);
  stores.environment["HOOK"] = TOKEN;
  const running = world.start(stores.configure(bucket, replication(bucket), INTAKE));
  const { webhookUrls } = await running.console();
  await notify(stores, "here", bucket, `${webhookUrls[0]}/${TOKEN}`);
  return running;
}
