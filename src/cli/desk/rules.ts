/** A bucket's rules as a text that a person edits: the JSON form of the AWS CLI, and whatever form they write it in. */
import { createHash } from "node:crypto";
import type { TriedObject } from "../../console/desk.ts";
import { ApiError } from "../../console/errors.ts";
import { type DocumentValue, documentOfXml } from "../../core/config/document.ts";
import type { Candidate } from "../../core/eligibility.ts";
import { lint } from "../../core/lint/lint.ts";
import type { LintFinding } from "../../core/lint/model.ts";
import type { Surroundings } from "../../doctor/ports.ts";
import { readLintText } from "../lint/input.ts";

/** What the text is called where its lines are told. */
const NAME = "rules";

/** Null where there are none. @throws S3Error */
export async function readRules(surroundings: Pick<Surroundings, "bucket">, bucket: string): Promise<DocumentValue> {
  const { settings } = await surroundings.bucket(bucket);
  const root = await settings.getBucketReplication(bucket);
  return root === undefined ? null : documentOfXml(root);
}

export function rulesText(document: DocumentValue): { readonly text: string | null; readonly digest: string } {
  return { text: document === null ? null : JSON.stringify(document, null, 2), digest: digestOf(document) };
}

export function sameDigest(document: DocumentValue, digest: string): boolean {
  return digestOf(document) === digest;
}

function digestOf(document: DocumentValue): string {
  return createHash("sha256").update(JSON.stringify(document)).digest("hex");
}

export interface LintedText {
  readonly findings: readonly LintFinding[];
  /** Undefined where the text could not be understood. */
  readonly document?: DocumentValue;
}

/** Reads XML, JSON or YAML, and finds what is wrong with it. */
export function lintText(bucket: string, text: string): LintedText {
  const { document, findings: found } = readLintText(NAME, text, "replication");
  if (document === undefined) return { findings: found };
  return { findings: lint([document], { source: bucket }, found).findings, document: document.value };
}

/** @throws ApiError with the first thing that the store would refuse */
export function refuseWrong({ findings, document }: LintedText): DocumentValue {
  const wrong = findings.find((one) => one.severity === "error");
  if (wrong !== undefined) throw new ApiError(400, `line ${wrong.line}: ${wrong.says}. ${wrong.remedy}`, { findings });
  if (document === undefined) throw new ApiError(400, "this is no replication configuration", { findings });
  return document;
}

/** As it would be if it were written now. */
export function candidateOf({ key, isDeleteMarker, tags, encryption, storageClass }: TriedObject): Candidate {
  return { key, isDeleteMarker, tags, encryption: { kind: encryption }, storageClass };
}

export function arnOf(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}
