/** What may be found where the destination should be: nobody, somebody else, or a store with troubles of its own. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { join } from "node:path";
import { openLab } from "../../src/lab/lab.ts";
import type { World } from "./world.ts";

/** Nothing listens there. */
export async function closedPort(): Promise<string> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}

/** Names under `.invalid` never resolve. @source RFC 6761 §6.4 */
export const UNKNOWN_HOST = "http://store.invalid:9000";

/** Speaks TLS with a certificate that nobody has signed. */
export async function selfSigned(world: World): Promise<string> {
  const read = (name: string) => readFileSync(join("test", "fixtures", "tls", name));
  const server = createTlsServer({ key: read("key.pem"), cert: read("self-signed.pem") });
  return `https://127.0.0.1:${await serve(world, server)}`;
}

/** Takes connections and breaks them. */
export async function resetting(world: World): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.resetAndDestroy());
  });
  return `http://127.0.0.1:${await serve(world, server)}`;
}

/** A store that answers every request in one way. */
export async function answering(world: World, status: number, code?: string): Promise<string> {
  const body = code === undefined ? "" : `<Error><Code>${code}</Code><Message>Said by a test</Message></Error>`;
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      response.writeHead(status, { "content-type": "application/xml", "x-amz-request-id": "TEST" }).end(body);
    });
  });
  return `http://127.0.0.1:${await serve(world, server)}`;
}

/** A store that takes everything and says that it has stored something else. */
export async function storingOtherwise(world: World): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      response.writeHead(200, { etag: `"${"0".repeat(32)}"`, "x-amz-version-id": "other" }).end();
    });
  });
  return `http://127.0.0.1:${await serve(world, server)}`;
}

/** Another lab, which knows neither the role nor its sessions. */
export async function anotherLab(world: World): Promise<string> {
  const lab = await openLab({ clock: () => world.clock.nowMs() });
  world.onClose(() => lab.close());
  const { host, port } = await lab.listen({ port: 0 });
  return `http://${host}:${port}`;
}

async function serve(world: World, server: Server): Promise<number> {
  world.onClose(() => new Promise((closed) => server.close(closed)));
  return await listen(server);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}
