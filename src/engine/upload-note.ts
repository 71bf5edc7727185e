/**
 * What a try leaves behind of a multipart upload, for the next one to go on with: the text that the ledger keeps with the
 * task. A text that cannot be read, or is of another version of this program, is as good as none.
 */
import { createHash } from "node:crypto";
import type { Layout } from "./layout.ts";

export interface UploadNote {
  readonly uploadId: string;
  readonly layout: Exclude<Layout, { readonly kind: "whole" }>;
  /** Digest of what the upload was begun for: another one is of no use. */
  readonly of: string;
}

const FORMAT = 1;

export function printNote(note: UploadNote): string {
  return JSON.stringify({ format: FORMAT, ...note });
}

export function parseNote(text: string | undefined): UploadNote | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { format, uploadId, layout, of } = value as Readonly<Record<string, unknown>>;
  if (format !== FORMAT || typeof uploadId !== "string" || typeof of !== "string") return undefined;
  if (typeof layout !== "object" || layout === null || !isLayout(layout)) return undefined;
  return { uploadId, layout, of };
}

function isLayout(value: object): value is UploadNote["layout"] {
  const { kind, count, partBytes, isGuess } = value as Readonly<Record<string, unknown>>;
  if (!Number.isInteger(count)) return false;
  return kind === "numbered" || (kind === "ranges" && Number.isInteger(partBytes) && typeof isGuess === "boolean");
}

/** @param what plain data that decides what the upload becomes */
export function digestOf(what: unknown): string {
  return createHash("sha256").update(JSON.stringify(what)).digest("base64url");
}
