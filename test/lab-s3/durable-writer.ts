/**
 * A lab in a process of its own that is to be killed: it writes and prints what was acknowledged, one line each, until
 * somebody ends it. Arguments: the data directory, and a seed for names.
 */
import { openLab } from "../../src/lab/lab.ts";

const [dataDir = "", seed = "0"] = process.argv.slice(2);
const lab = await openLab({ dataDir, clock: () => Date.now() });
const store = lab.direct(await lab.account("111122223333"));
process.stdout.write("ready\n");

/** Sizes on both sides of the border between table and file. */
const SIZES = [10, 4096, 98_304, 98_305, 200_000];

async function write(worker: number): Promise<never> {
  for (let count = 0; ; count++) {
    const key = `${seed}/${worker}/${count}`;
    const sizeBytes = SIZES[(worker + count) % SIZES.length] ?? 0;
    const body = Buffer.alloc(sizeBytes, key);
    const reply = await store.putObject({
      bucket: "durable-bucket",
      key,
      body,
      contentHeaders: {},
      userMetadata: { key },
    });
    process.stdout.write(`${key} ${sizeBytes} ${reply.versionId}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, worker) => write(worker)));
