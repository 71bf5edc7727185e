/** A lab in a process of its own: `node lab-server.js [DATA_DIR]`. */
import { openLab } from "../../src/lab/lab.ts";
import { serving } from "./measure.ts";

const [dataDir] = process.argv.slice(2);
const lab = await openLab({ clock: () => Date.now(), ...(dataDir === undefined ? {} : { dataDir }) });
const credentials = await lab.account("111122223333");
const server = await lab.listen({ port: 0 });
const { accessKeyId, secretAccessKey } = credentials;
serving({ endpoint: `http://127.0.0.1:${server.port}`, accessKeyId, secretAccessKey }, () => lab.close());
