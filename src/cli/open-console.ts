/** Puts the console on a port, and says what to do when that cannot be. */
import type { ConsoleOptions } from "../console/options.ts";
import { type ConsolePlace, type ConsoleServer, startConsole, whyNotThere } from "../console/server.ts";
import { AccessError, UsageError } from "./errors.ts";

/** How the person who starts it says otherwise, in the words of the command or the configuration. */
export interface Otherwise {
  /** `choose another one with --console-port` */
  readonly port: string;
  /** `give --console-tls-cert and --console-tls-key` */
  readonly tls: string;
  /** `give --console-insecure` */
  readonly insecure: string;
}

/**
 * @throws UsageError where it would not be safe; AccessError when the port cannot be listened on
 */
export async function openConsole(
  parts: ConsoleOptions,
  where: ConsolePlace & { readonly otherwise: Otherwise },
): Promise<ConsoleServer> {
  const { otherwise, ...place } = where;
  const why = whyNotThere(place);
  if (why !== undefined) {
    throw new UsageError(
      `the console does not listen there: ${why}. ${otherwise.tls}, or listen on 127.0.0.1; ${otherwise.insecure} where something else keeps others out`,
    );
  }
  try {
    return await startConsole({ ...parts, ...place });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code.startsWith("ERR_OSSL") || code.startsWith("ERR_SSL")) {
      throw new UsageError(`the console's certificate and key do not go together (${code}): correct them`, { cause });
    }
    const says = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`;
    throw new AccessError(`port ${place.port} ${says}: ${otherwise.port}`, { cause });
  }
}
