/** A fast store in a process of its own: `node fast-store-server.js LATENCY_MS [BUCKET COUNT BYTES]`, filled so. */
import { openFastStore } from "../fixtures/fast-store.ts";
import { serving } from "./measure.ts";

const [latency = "0", bucket, count = "0", bytes = "0"] = process.argv.slice(2);
const store = await openFastStore({ latencyMs: Number(latency) });
for (let index = 0; bucket !== undefined && index < Number(count); index++) {
  store.write(bucket, `photos/${String(index).padStart(8, "0")}.jpg`, Buffer.alloc(Number(bytes), index));
}
serving({ endpoint: store.endpoint }, () => store.close());
