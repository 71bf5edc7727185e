/**
 * Checks documents, each by itself and all of them together, and puts what is found in its place.
 *
 * Pure and total: a problem never hides another, and a document that cannot be understood in one part is checked in the
 * others. Reading files is the command's.
 */
import type { LintDocument, LintFinding, LintOptions, Problem } from "./model.ts";
import { permissionProblems } from "./permissions.ts";
import { type Position, placeOf, readPath } from "./places.ts";
import { policyProblems } from "./policy.ts";
import { replicationProblems } from "./replication.ts";
import { lintRule } from "./rules.ts";

export interface LintReport {
  /** In the order of the files, and from top to bottom in each. */
  readonly findings: readonly LintFinding[];
  /** What was not checked and what would be needed for it, in sentences. */
  readonly unchecked: readonly string[];
}

/**
 * @param documents files by their names, which are taken to be different
 * @param found     what reading the files has found already
 */
export function lint(
  documents: readonly LintDocument[],
  options: LintOptions = {},
  found: readonly LintFinding[] = [],
): LintReport {
  const together = permissionProblems(documents, options);
  const findings = documents.flatMap((document) => {
    const { file, kind, value } = document;
    const own = kind === "replication" ? replicationProblems(value, options) : policyProblems(value, kind, options);
    const shared = together.problems.filter((one) => one.file === file).map(({ problem }) => problem);
    return [...own, ...shared].map((problem) => {
      return lintFinding(file, placeOf(document.places, readPath(problem.path)), problem);
    });
  });
  return { findings: inOrder([...found, ...findings], documents), unchecked: together.unchecked };
}

/** A problem at its place. */
export function lintFinding(file: string, at: Position, { rule, path, says, remedy, aws }: Problem): LintFinding {
  const known = lintRule(rule);
  return {
    file,
    line: at.line,
    column: at.column,
    path,
    rule,
    severity: known.severity,
    // Parsers end their sentences with a full stop; a finding is followed by what to do.
    says: says.replace(/\.$/, ""),
    remedy: remedy ?? known.remedy,
    ...(aws === undefined ? {} : { aws }),
    ...(known.unconfirmed === undefined ? {} : { unconfirmed: known.unconfirmed }),
  };
}

function inOrder(findings: readonly LintFinding[], documents: readonly LintDocument[]): readonly LintFinding[] {
  const ranks = new Map(documents.map(({ file }, index) => [file, index]));
  // Files that could not be read come last: the others' findings are about something.
  const rank = (one: LintFinding) => ranks.get(one.file) ?? documents.length;
  return [...findings].sort(
    (one, other) => rank(one) - rank(other) || one.line - other.line || one.column - other.column,
  );
}
