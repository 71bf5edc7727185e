/** The lab: signed and authorised GET and PUT of 4 KiB, in memory and durable, beside bare node:http and a bare fsync. */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { heading, line, load, type Rate, round, type Server, startServer } from "./measure.ts";

const MS = 4000;
const CONNECTIONS = 64;
const BODY = new Uint8Array(4096).fill(7);
const METADATA = { contentHeaders: {}, userMetadata: {} };

interface Measured extends Rate {
  /** Of the server. */
  readonly cpuMs: number;
}

export async function benchLab(): Promise<void> {
  const directory = temporaryDirectory();
  heading("Lab, 4 KiB objects, 64 connections, client in another process");
  const floor = await startServer("floor-server");
  const bare = clientOf(floor);
  const floorGet = await measured(floor, (count) => get(bare, count));
  const floorPut = await measured(floor, (count) => put(bare, count));
  report("node:http answering 200 to GET", floorGet);
  report("node:http answering 200 to PUT", floorPut);
  line("write 4 KiB and fdatasync, one after another", `${round(fsyncRate(directory.path))} /s`);
  for (const dataDir of [undefined, join(directory.path, "lab")]) {
    const where = dataDir === undefined ? "in memory" : "durable";
    const lab = await startServer("lab-server", dataDir === undefined ? [] : [dataDir]);
    const client = clientOf(lab);
    await client.createBucket("bench");
    await client.putBucketVersioning("bench", "Enabled");
    report(`lab PUT, ${where}`, await measured(lab, (count) => put(client, count)), floorPut);
    report(`lab GET, ${where}`, await measured(lab, (count) => get(client, count)), floorGet);
    await client.close();
    await lab.stop();
  }
  await bare.close();
  await floor.stop();
  directory.remove();
}

function clientOf(server: Server): S3Client {
  const { endpoint = "", accessKeyId = "AKIA", secretAccessKey = "secret" } = server.ready;
  const credentials = { accessKeyId, secretAccessKey };
  return createS3Client({
    endpoint,
    region: "us-east-1",
    credentials,
    clock: () => Date.now(),
    connectionsMax: CONNECTIONS,
  });
}

async function put(client: S3Client, count: number): Promise<void> {
  await client.putObject({ bucket: "bench", key: `k/${count % 1000}`, body: BODY, ...METADATA });
}

async function get(client: S3Client, count: number): Promise<void> {
  const { body } = await client.getObject({ bucket: "bench", key: `k/${count % 1000}` });
  await body.bytes();
}

async function measured(server: Server, work: (count: number) => Promise<void>): Promise<Measured> {
  await load(CONNECTIONS, MS / 4, work);
  const before = await server.cpuMs();
  const rate = await load(CONNECTIONS, MS, work);
  return { ...rate, cpuMs: ((await server.cpuMs()) - before) / rate.count };
}

function report(what: string, one: Measured, floor?: Measured): void {
  const perCore = `${round(1000 / one.cpuMs)} /s per core`;
  const ratio = floor === undefined ? "" : `, ${(one.cpuMs / floor.cpuMs).toFixed(1)} × the floor's CPU`;
  line(what, perCore, `${round(one.perSecond)} /s, server CPU ${round(one.cpuMs)} ms${ratio}`);
}

function fsyncRate(directory: string): number {
  const file = openSync(join(directory, "fsync"), "w");
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < 1000) {
    writeSync(file, BODY);
    fdatasyncSync(file);
    count += 1;
  }
  closeSync(file);
  return count;
}
