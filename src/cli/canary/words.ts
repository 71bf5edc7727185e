/** The words of `canary`: what would be written, and what was told. */

import { type Ink, plural, sizeWords } from "../../doctor/report.ts";
import type { CanaryOutcome } from "../../engine/canary/model.ts";
import { spanWords } from "../moments.ts";
import type { FlownCanary } from "./canarying.ts";

const STYLES = {
  completed: "green",
  failed: "red",
  late: "yellow",
  differs: "red",
  untried: "dim",
} as const satisfies Record<CanaryOutcome, string>;

export interface PlannedWords {
  readonly bucket: string;
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number; readonly untried?: string }[];
  readonly marker: boolean;
}

export function canaryPlanWords(canaries: readonly PlannedWords[]): string {
  const lines = canaries.flatMap(({ bucket, ruleId, destinationArn, objects, marker }) => [
    `rule ${ruleId} → ${destinationArn}`,
    ...objects.map(({ key, sizeBytes, untried }) =>
      untried === undefined ? `  s3://${bucket}/${key} (${sizeWords(sizeBytes)})` : `  not ${key}: ${untried}`,
    ),
    ...(marker ? ["  and a delete marker of the first"] : []),
  ]);
  if (lines.length === 0) return "No rule is enabled: nothing would be written.";
  return ["A canary writes these, follows them, and removes them at both ends:", ...lines].join("\n");
}

export function canaryWords(results: readonly FlownCanary[], ink: Ink): string {
  if (results.length === 0) return "No rule is enabled: there is nothing to try.";
  return results.flatMap((one) => resultLines(one, ink)).join("\n");
}

function resultLines(result: FlownCanary, ink: Ink): string[] {
  const { subject, ruleId, destinationArn, verdict, says, objects, left, counts } = result;
  const head = `${ink("bold", subject)}, rule ${ruleId} → ${destinationArn}`;
  const swept = counts["swept"] ?? 0;
  return [
    verdict === "failed" || objects.length === 0 ? `${head}\n  ${ink("red", says)}` : head,
    ...objects.map(({ kind, outcome, latencyMs, says: what }) => {
      const took = latencyMs === undefined ? "" : ` in ${spanWords(latencyMs)}`;
      const why = outcome === "completed" ? "" : `: ${what}`;
      return `  ${ink(STYLES[outcome], outcome.padEnd(9))} ${kind}${took}${why}`;
    }),
    ...left.map(({ bucket, key, because }) => ink("red", `  left behind: s3://${bucket}/${key}: ${because}`)),
    ...(swept === 0 ? [] : [ink("dim", `  ${plural(swept, "version")} of earlier canaries removed`)]),
  ];
}
