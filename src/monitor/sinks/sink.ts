/**
 * The Sink port: brings messages to where people or their tools are. A message may come again after a crash; its id, its
 * thread and the ids of its alerts are the same then, so that receivers can tell.
 */
import type { Message } from "../alerts/model.ts";

export interface Sink {
  /** Resolves when the receiver has taken it. @throws SinkError, whose message holds nothing secret */
  send(message: Message, signal: AbortSignal): Promise<void>;
}

export interface SinkErrorFields {
  /** It will not take this message, however often it is tried. */
  readonly isFinal: boolean;
  readonly retryAfterMs?: number;
}

export class SinkError extends Error implements SinkErrorFields {
  override readonly name = "SinkError";
  readonly isFinal: boolean;
  readonly retryAfterMs?: number;

  constructor(message: string, { isFinal, retryAfterMs }: SinkErrorFields, options?: ErrorOptions) {
    super(message, options);
    this.isFinal = isFinal;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}
