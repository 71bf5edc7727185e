/**
 * Patterns with `*` (any text) and `?` (any one character), compiled once and matched often.
 *
 * No regular expressions: a pattern is cut at its stars, and each piece is looked for once, from left to right, at the
 * first place where it fits. That is correct because a star takes any text, and it never goes back, so a hostile
 * pattern costs at most the length of the text times the longest piece.
 */

export interface Glob {
  /** What stands between the stars: the first piece is tied to the start of the text, the last one to its end. */
  readonly pieces: readonly Piece[];
  /** The length of the shortest text that can match. */
  readonly lengthMin: number;
}

interface Piece {
  readonly text: string;
  /** For each character of `text` whether it stands for any one; absent when none does. */
  readonly anyAt?: readonly boolean[];
}

/** A part of a pattern: literal text, or a wildcard. */
export type GlobPart = string | typeof ANY_TEXT | typeof ANY_ONE;

/** The wildcard `*`. */
export const ANY_TEXT = Symbol("*");
/** The wildcard `?`. */
export const ANY_ONE = Symbol("?");

/** Compiles a pattern from its parts, in order. Text parts are literal, whatever characters they hold. */
export function compileGlob(parts: readonly GlobPart[]): Glob {
  const pieces: Piece[] = [];
  let text = "";
  let anyAt: boolean[] = [];
  let lengthMin = 0;
  const endPiece = (): void => {
    lengthMin += text.length;
    pieces.push(anyAt.includes(true) ? { text, anyAt } : { text });
    text = "";
    anyAt = [];
  };
  for (const part of parts) {
    if (part === ANY_TEXT) endPiece();
    else {
      const literal = typeof part === "string";
      text += literal ? part : "?";
      while (anyAt.length < text.length) anyAt.push(!literal);
    }
  }
  endPiece();
  return { pieces, lengthMin };
}

/** Whether the whole text matches. */
export function matchesGlob(glob: Glob, text: string): boolean {
  const { pieces } = glob;
  const first = pieces[0];
  const last = pieces[pieces.length - 1];
  if (first === undefined || last === undefined || text.length < glob.lengthMin) return false;
  if (!fitsAt(first, text, 0)) return false;
  if (pieces.length === 1) return text.length === first.text.length;
  let at = first.text.length;
  for (let index = 1; index < pieces.length - 1; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) continue;
    const found = find(piece, text, at);
    if (found < 0) return false;
    at = found + piece.text.length;
  }
  const lastStart = text.length - last.text.length;
  return lastStart >= at && fitsAt(last, text, lastStart);
}

function find(piece: Piece, text: string, from: number): number {
  if (piece.anyAt === undefined) return text.indexOf(piece.text, from);
  const end = text.length - piece.text.length;
  for (let at = from; at <= end; at += 1) if (fitsAt(piece, text, at)) return at;
  return -1;
}

/** The text has to be long enough from there on. */
function fitsAt(piece: Piece, text: string, at: number): boolean {
  const { anyAt } = piece;
  if (anyAt === undefined) return text.startsWith(piece.text, at);
  for (let index = 0; index < anyAt.length; index += 1) {
    if (anyAt[index] !== true && piece.text.charCodeAt(index) !== text.charCodeAt(at + index)) return false;
  }
  return true;
}
