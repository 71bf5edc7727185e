/**
 * `lockstep run --once` against rclone with its best flags: the same objects, the same pair of gateways, one after the other
 * in turns. Each copies first everything, then nothing, then the hundredth part that has changed.
 */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import Table from "cli-table3";
import { BINARY } from "../../e2e/binary.ts";
import { listed, replication } from "../../e2e/two-stores.ts";
import { RunWorld } from "../../real/run-world.ts";
import { heading, line, round } from "../measure.ts";
import { clientCeiling, undiciCeiling } from "./ceiling.ts";
import { type Objects, type Shape, write, written } from "./objects.ts";
import { type ProgramRun, type Taken, take } from "./process.ts";

type Shapes = Readonly<Record<string, Shape & { readonly rclone: readonly string[] }>>;

const SMALL = { sizeBytes: 4096, atOnce: 32, rclone: ["--transfers", "64", "--checkers", "16", "--s3-no-head"] };

export const SHAPES: Shapes = {
  small: { name: "small", count: 5000, ...SMALL },
  // So many that what starting costs is little beside them.
  many: { name: "many", count: 20_000, ...SMALL },
  medium: {
    name: "medium",
    count: 500,
    sizeBytes: 2 ** 20,
    atOnce: 16,
    rclone: ["--transfers", "32", "--checkers", "16", "--s3-no-head"],
  },
  large: { name: "large", count: 8, sizeBytes: 256 * 2 ** 20, atOnce: 4, rclone: ["--transfers", "4"] },
};

/** Each goes first once. */
const ROUNDS = 2;
const CHANGED_SHARE = 0.01;
/** Everything is told by the ETags of listings, so nothing has to be asked of each object. */
const RCLONE = ["--config", "rclone.conf", "--checksum", "--fast-list", "--s3-no-check-bucket", "--quiet"];

const PHASES = ["first copy", "nothing to do", "1 % changed"] as const;
const TOOLS = ["lockstep", "rclone"] as const;
type Tool = (typeof TOOLS)[number];

type Results = Map<string, Taken[]>;

export async function benchCopying(name: string): Promise<void> {
  const shape = SHAPES[name];
  if (shape === undefined) throw new Error(`there is no shape ${name}`);
  const { count, sizeBytes } = shape;
  // What takes the writes of big objects is the disk, as at any store.
  const world = await RunWorld.open({ objectStore: sizeBytes > 2 ** 20 ? "bluestore" : "memstore" });
  try {
    const others = `others' load ${loadavg()[0]?.toFixed(1)}`;
    heading(`${count} × ${sizeWords(sizeBytes)} from one gateway to the other, ${ROUNDS} times each, ${others}`);
    const objects = await written(world, shape);
    writeFileSync(`${world.stores.directory.path}/rclone.conf`, rcloneConfiguration(world));
    await ceiling(world, objects);
    const results = await compared(world, objects, shape.rclone);
    report(results, objects);
  } finally {
    await world.close();
  }
}

async function ceiling(world: RunWorld, objects: Objects): Promise<void> {
  for (const [what, copy] of [
    ["our client", clientCeiling],
    ["undici", undiciCeiling],
  ] as const) {
    const into = `ceiling-${what.replace(" ", "-")}`;
    await bucketThere(world, into);
    const one = await copy(world, objects, into);
    line(`ceiling: bare GET and PUT, ${what}`, rateWords(one, objects), `CPU ${cpuWords(one, objects)}`);
  }
}

async function compared(world: RunWorld, objects: Objects, flags: readonly string[]): Promise<Results> {
  const results: Results = new Map();
  for (const phase of PHASES) {
    if (phase === "1 % changed") {
      const changed = objects.keys.filter((_, index) => index < Math.ceil(objects.keys.length * CHANGED_SHARE));
      await write(world, objects, changed);
    }
    for (let turn = 0; turn < ROUNDS; turn++) {
      for (const tool of turn % 2 === 0 ? TOOLS : TOOLS.toReversed()) {
        const into = `into-${tool}-${turn}`;
        if (phase === "first copy") await bucketThere(world, into);
        const one = await take(commandOf(tool, world, objects.bucket, into, flags));
        results.set(`${phase} ${tool}`, [...(results.get(`${phase} ${tool}`) ?? []), one]);
      }
    }
  }
  for (const tool of TOOLS) await isWhole(world, objects, `into-${tool}-0`);
  return results;
}

/** Figures of a copy that is not one are worth nothing. */
async function isWhole(world: RunWorld, { bucket, keys }: Objects, into: string): Promise<void> {
  const latest = async (end: "here" | "there", name: string) =>
    (await listed(world.stores[end], name)).filter((one) => one.isLatest).map((one) => `${one.key} ${one.sizeBytes}`);
  const [from, to] = [await latest("here", bucket), await latest("there", into)];
  if (from.length !== keys.length || from.join() !== to.join()) throw new Error(`${into} is not what ${bucket} is`);
}

function commandOf(tool: Tool, world: RunWorld, from: string, into: string, flags: readonly string[]): ProgramRun {
  const { environment, directory } = world.stores;
  const where = { environment, directory: directory.path };
  if (tool === "rclone") {
    return { program: "rclone", words: ["copy", `here:${from}`, `there:${into}`, ...RCLONE, ...flags], ...where };
  }
  const words = replication(from).replace(`site: there, bucket: ${from}`, `site: there, bucket: ${into}`);
  const path = world.stores.configure(into, words);
  return { program: process.execPath, words: [BINARY, "run", "-c", path, "--once", "--json"], ...where };
}

export function rcloneConfiguration(world: RunWorld): string {
  const { HERE, HERE_KEY, HERE_SECRET, THERE, THERE_KEY, THERE_SECRET } = world.stores.environment;
  const remote = (name: string, endpoint = "", key = "", secret = "") =>
    `[${name}]\ntype = s3\nprovider = Ceph\nendpoint = ${endpoint}\naccess_key_id = ${key}\nsecret_access_key = ${secret}\n`;
  return remote("here", HERE, HERE_KEY, HERE_SECRET) + remote("there", THERE, THERE_KEY, THERE_SECRET);
}

async function bucketThere(world: RunWorld, bucket: string): Promise<void> {
  await world.stores.there.createBucket(bucket);
  await world.stores.there.putBucketVersioning(bucket, "Enabled");
}

/** The best of each: what disturbs a run only ever makes it slower. */
function report(results: Results, objects: Objects): void {
  const head = ["", "measure", "lockstep", "rclone", "lockstep / rclone"];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const phase of PHASES) {
    const best = (tool: Tool, measure: keyof Taken) =>
      Math.min(...(results.get(`${phase} ${tool}`) ?? []).map((one) => one[measure]));
    const row = (measure: keyof Taken, words: (value: number) => string) => {
      const [ours, theirs] = [best("lockstep", measure), best("rclone", measure)];
      table.push([phase, measure, words(ours), words(theirs), (ours / theirs).toFixed(2)]);
    };
    const perSecond = (ms: number) => ` (${round((objects.keys.length * 1000) / ms)} /s)`;
    row("wallMs", (ms) => `${round(ms / 1000)} s${phase === "first copy" ? perSecond(ms) : ""}`);
    row("cpuMs", (ms) => cpuWords({ cpuMs: ms }, objects));
    row("rssBytes", (bytes) => `${round(bytes / 2 ** 20)} MiB`);
  }
  process.stdout.write(`${table.toString()}\n`);
}

function rateWords({ wallMs }: Taken, { keys, sizeBytes }: Objects): string {
  if (sizeBytes < 2 ** 20) return `${round((keys.length * 1000) / wallMs)} /s`;
  return `${round((keys.length * sizeBytes) / 1e6 / (wallMs / 1000))} MB/s`;
}

function cpuWords({ cpuMs }: Pick<Taken, "cpuMs">, { keys, sizeBytes }: Objects): string {
  const perGib = cpuMs / 1000 / ((keys.length * sizeBytes) / 2 ** 30);
  const each = sizeBytes < 2 ** 20 ? `${round(cpuMs / keys.length)} ms/object` : `${round(perGib)} s/GiB`;
  return `${round(cpuMs / 1000)} s, ${each}`;
}

function sizeWords(bytes: number): string {
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1024} KiB`;
}
