/** The section `tracing` of `lockstep.yaml`: where traces are sent, and of how much. */
import { z } from "zod";
import type { TracingSettings } from "../../monitor/tracing.ts";
import { reference } from "./forms.ts";
import { address, members, text } from "./parts.ts";

const SHARE = "a share from 0 to 1\nWrite 0.01 for every hundredth version; failed tries are always sent";

export const tracingSection = members(
  {
    endpoint: address("a receiver of OTLP over HTTP, with its path").describe(
      "Takes OTLP over HTTP, at its whole path: http://127.0.0.1:4318/v1/traces",
    ),
    headers: z
      .record(
        text(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "the name of a header", "Write the name alone, as authorization"),
        reference("its value"),
        { error: "headers by name\nWrite them indented, as name: value lines" },
      )
      .optional()
      .describe("Headers of each request"),
    sample: z
      .number({ error: SHARE })
      .min(0, { error: SHARE })
      .max(1, { error: SHARE })
      .optional()
      .describe("Of which share of versions tries that succeeded are sent; default 1"),
  },
  "tracing",
);

/** The section as the engine runs by it, references resolved. */
export function tracingSettings(
  { endpoint, headers = {}, sample = 1 }: z.infer<typeof tracingSection>,
  resolve: { url(text: string): string; text(text: string): string },
): TracingSettings {
  return {
    endpoint: resolve.url(endpoint),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, resolve.text(value)])),
    sample,
  };
}
