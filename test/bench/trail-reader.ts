/** Reads the logs at a place in a process of its own, and tells what that took: `node trail-reader.js PLACE`. */
import { LogReader } from "../../src/core/logs/log-reader.ts";
import { readFiles } from "../../src/doctor/logs/read-files.ts";
import { localFiles } from "../../src/doctor/logs/sources.ts";
import { cpuMsOf } from "./measure.ts";

export interface Reading {
  readonly records: number;
  readonly failures: number;
  readonly cpuMs: number;
  /** The most that the process ever had. */
  readonly memoryBytes: number;
}

const [place = ""] = process.argv.slice(2);
const before = process.cpuUsage();
const reader = new LogReader();
await readFiles(reader, localFiles(place));
const { causes, read } = reader.report();
const reading: Reading = {
  records: read.records - read.bad,
  failures: causes.reduce((sum, one) => sum + one.count, 0),
  cpuMs: cpuMsOf(process.cpuUsage(before)),
  memoryBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(JSON.stringify(reading));
