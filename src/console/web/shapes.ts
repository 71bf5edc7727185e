/** Answers of the API whose shape no other part of the product tells: who is logged in, what runs here, figures over time. */

export type Role = "viewer" | "operator";

export interface Session {
  readonly role: Role;
  readonly user: string;
  /** Sent along with whatever changes something. */
  readonly csrf: string;
  readonly expiresAtMs: number;
}

export interface About {
  readonly version: string;
  readonly mode: "up" | "run";
  readonly hasLab: boolean;
  readonly lab?: { readonly endpoint: string };
}

export type SeriesRange = "hour" | "day";

/** Figures of a moment; null where nobody knows. */
export const SERIES_FIGURES = [
  "pending",
  "pendingBytes",
  "failed",
  "tasksPerSecond",
  "bytesPerSecond",
  "lagP50Ms",
  "lagP99Ms",
] as const;
export type SeriesFigure = (typeof SERIES_FIGURES)[number];

export type Series = { readonly stepMs: number; readonly atMs: readonly number[] } & {
  readonly [Figure in SeriesFigure]: readonly (number | null)[];
};

export type SeriesPoint = { readonly atMs: number } & { readonly [Figure in SeriesFigure]?: number | null };
