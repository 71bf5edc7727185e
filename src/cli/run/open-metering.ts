/** What is measured of a `run`, and the address of its own that metrics have where the configuration names one. */
import { startMetricsServer } from "../../console/metrics-server.ts";
import type { MetricsSettings } from "../config/metrics-section.ts";
import { AccessError } from "../errors.ts";
import { type MeteringOptions, type RunningMetering, startMetering } from "../metering.ts";
import { keptToken } from "../token.ts";

export interface OpenMetering {
  readonly metering: RunningMetering;
  /** Of `/metrics`, where it has an address of its own. */
  readonly url?: string;
  close(): Promise<void>;
}

/** @throws AccessError when the address cannot be listened on */
export async function openMetering(
  settings: MetricsSettings,
  parts: Omit<MeteringOptions, "isPublic">,
): Promise<OpenMetering> {
  const { listen, isPublic, tokenFile } = settings;
  const server = async (metering: RunningMetering) => {
    if (listen === undefined) return undefined;
    try {
      return await startMetricsServer({ ...listen, metering, token: keptToken(tokenFile) });
    } catch (cause) {
      await metering.stop();
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      const why = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`;
      throw new AccessError(`port ${listen.port} ${why}: choose another one under metrics`, { cause });
    }
  };
  const metering = startMetering({ ...parts, isPublic });
  const opened = await server(metering);
  return {
    metering,
    ...(opened === undefined ? {} : { url: `${opened.url}/metrics` }),
    close: async () => {
      await opened?.close();
      await metering.stop();
    },
  };
}
