/** The floor: plain node:http that answers 200 to everything, with 4 KiB to a GET, as an S3 server would. */
import { createServer } from "node:http";
import { serving } from "./measure.ts";

const BODY = Buffer.alloc(4096, 7);
const HEADERS = { etag: '"0"', "x-amz-version-id": "v", "last-modified": new Date(0).toUTCString() };

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    if (request.method === "GET") response.writeHead(200, { ...HEADERS, "content-length": 4096 }).end(BODY);
    else response.writeHead(200, { ...HEADERS, "content-length": 0 }).end();
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  serving({ endpoint: `http://127.0.0.1:${port}` }, async () => void server.close());
});
