/** A proof as a person reads it: one line for every signature and kind, before and after. */
import type { Proof, ProofRow, Seen } from "../../doctor/prove.ts";
import { type Ink, plural } from "../../doctor/report.ts";

/** Kinds that go as before are told as a number: nothing is to be seen of them. */
export function proofWords(proof: Proof, ink: Ink): string[] {
  const shown = proof.rows.filter(
    (one) => one.of === "versions" || one.verdict === "broken" || one.verdict === "unhealed",
  );
  const others = proof.rows.filter((one) => !shown.includes(one));
  const lines = shown.map((row) => rowWords(row, ink));
  const healed = others.filter((one) => one.verdict === "healed").length;
  const kept = others.filter((one) => one.verdict === "kept").length;
  lines.push(
    "",
    `Of ${plural(others.length, "further kind")} of objects ${kept} replicate as before, ${healed} now, ${others.length - kept - healed} neither way.`,
  );
  if (proof.untried > 0) lines.push(`${plural(proof.untried, "signature")} could not be tried in the lab.`);
  if (proof.assumed.length > 0) {
    lines.push(ink("yellow", "less certain, for it could not be read and is taken to stand in nobody's way:"));
    lines.push(...proof.assumed.map((one) => `  ${one}`));
  }
  lines.push("", verdictWords(proof.verdict, ink));
  return lines;
}

function rowWords(row: ProofRow, ink: Ink): string {
  const { name, versions, before, after, says, verdict, key } = row;
  const colour = verdict === "healed" ? "green" : verdict === "broken" || verdict === "unhealed" ? "red" : "dim";
  const stands = versions > 0 ? plural(versions, "version") : "no version yet";
  return `${name} (${stands}, as ${key})\n  ${seenWords(before)} → ${seenWords(after)}: ${ink(colour, says)}`;
}

function seenWords({ fate, codes }: Seen): string {
  switch (fate) {
    case "replicates":
      return "COMPLETED";
    case "fails":
      return `FAILED ${codes.join(", ")}`;
    case "pending":
      return `PENDING ${codes.join(", ")}`;
    case "untaken":
      return codes.length === 0 ? "no status" : `no status (${codes.join(", ")})`;
    case "refused":
      return "cannot be written";
  }
}

export function verdictWords(verdict: Proof["verdict"], ink: Ink): string {
  switch (verdict) {
    case "proven":
      return `${ink("green", "proven")}: what is held back fails in the lab without the patch, and is replicated with it`;
    case "refused":
      return `${ink("red", "refused")}: the patch does not heal what it should, or breaks what went before`;
    case "unproven":
      return `${ink("yellow", "not proven")}: nothing speaks against the patch, and the lab does not show what it is for`;
  }
}
