/** The section `metrics` of `lockstep.yaml`: who may read metrics, and where. */
import { z } from "zod";
import { DEFAULT_HOST } from "../defaults.ts";
import { listening, members, path } from "./parts.ts";

export const metricsSection = members(
  {
    public: z
      .boolean({ error: "true or false\nLeave it out: metrics are read with the console's token" })
      .optional()
      .describe("Anybody who reaches the address may read metrics, without a token; default false"),
    host: listening.host,
    port: listening.port.optional().describe("An address of its own for metrics, besides the console's"),
    tokenFile: path("the file that holds the token")
      .optional()
      .describe("Made when it is not there; default: the console's token"),
  },
  "metrics",
);

export interface MetricsSettings {
  readonly isPublic: boolean;
  readonly tokenFile: string;
  /** Undefined: at the console only. */
  readonly listen?: { readonly host: string; readonly port: number };
}

/** The section as the engine runs by it, defaults filled in. */
export function metricsSettings(
  document: {
    readonly metrics?: z.infer<typeof metricsSection> | undefined;
    readonly console?: { readonly tokenFile?: string | undefined } | undefined;
  },
  files: { pathOf(path: string): string },
): MetricsSettings {
  const { metrics = {}, console: console_ } = document;
  const { port, host = DEFAULT_HOST } = metrics;
  return {
    isPublic: metrics.public ?? false,
    tokenFile: files.pathOf(metrics.tokenFile ?? console_?.tokenFile ?? "lockstep.token"),
    ...(port === undefined ? {} : { listen: { host, port } }),
  };
}
