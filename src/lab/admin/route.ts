/** One of the lab's own calls. */
import type { S3Service } from "../s3/service.ts";

export interface Route {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Behind `/_lockstep/`. The first group, if there is one, is the argument. */
  readonly path: RegExp;
  /**
   * Returns what is answered, as JSON.
   *
   * @param body as it was sent, parsed; `{}` without one
   * @throws ServiceError; ZodError when the body is not what it should be
   */
  run(s3: S3Service, argument: string, body: unknown): unknown;
}
