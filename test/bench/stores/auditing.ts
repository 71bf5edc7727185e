/**
 * `lockstep audit` between two gateways beside `rclone check --size-only`: the same objects, replicated before, one after the
 * other in turns. rclone compares names and sizes of current objects; the audit compares every version by the ledger's map.
 */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { BINARY } from "../../e2e/binary.ts";
import { replication } from "../../e2e/two-stores.ts";
import { RunWorld } from "../../real/run-world.ts";
import { heading, line, round } from "../measure.ts";
import { rcloneConfiguration, SHAPES } from "./copying.ts";
import { written } from "./objects.ts";
import { type ProgramRun, type Taken, take } from "./process.ts";

const ROUNDS = 2;

export async function benchAuditing(): Promise<void> {
  const shape = SHAPES["small"];
  if (shape === undefined) throw new Error("there is no shape small");
  const world = await RunWorld.open({ objectStore: "memstore" });
  try {
    const { stores } = world;
    const objects = await written(world, shape);
    const { bucket } = objects;
    await stores.there.createBucket(bucket);
    await stores.there.putBucketVersioning(bucket, "Enabled");
    const directory = stores.directory.path;
    const config = stores.configure("audit", replication(bucket));
    const { status } = await stores.run(config, "--once");
    if (status !== 0) throw new Error(`the copy ended with ${status}`);
    writeFileSync(`${directory}/rclone.conf`, rcloneConfiguration(world));
    heading(`audit of ${objects.keys.length} objects between two gateways, others' load ${loadavg()[0]?.toFixed(1)}`);
    const with_ = { environment: stores.environment, directory };
    const check = ["--config", "rclone.conf", "check", "--size-only", "--quiet", "--checkers", "16"];
    const tools: Readonly<Record<string, ProgramRun>> = {
      "lockstep audit": { program: process.execPath, words: [BINARY, "audit", "-c", config], ...with_ },
      "rclone check": { program: "rclone", words: [...check, `here:${bucket}`, `there:${bucket}`], ...with_ },
      "rclone check --fast-list": {
        program: "rclone",
        words: [...check, "--fast-list", `here:${bucket}`, `there:${bucket}`],
        ...with_,
      },
    };
    const best = new Map<string, Taken>();
    for (let turn = 0; turn < ROUNDS; turn++) {
      for (const [name, tool] of Object.entries(tools)) {
        const taken = await take(tool);
        const before = best.get(name);
        if (before === undefined || taken.wallMs < before.wallMs) best.set(name, taken);
      }
    }
    for (const [name, { wallMs, cpuMs }] of best) {
      line(
        name,
        `${round(wallMs)} ms`,
        `${round((objects.keys.length * 1000) / wallMs)} objects/s, CPU ${round(cpuMs)} ms`,
      );
    }
  } finally {
    await world.close();
  }
}
