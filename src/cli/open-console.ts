/** Puts the console's API on a port, and says what to do when that cannot be. */
import type { ConsoleOptions } from "../console/options.ts";
import { type ConsoleServer, startConsole } from "../console/server.ts";
import { AccessError } from "./errors.ts";

/**
 * @param where `otherwise` says how another port is chosen
 * @throws AccessError when the port cannot be listened on
 */
export async function openConsole(
  parts: ConsoleOptions,
  where: { readonly host: string; readonly port: number; readonly otherwise: string },
): Promise<ConsoleServer> {
  const { host, port, otherwise } = where;
  try {
    return await startConsole({ ...parts, host, port });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    const why = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`;
    throw new AccessError(`port ${port} ${why}: choose another one ${otherwise}`, { cause });
  }
}
