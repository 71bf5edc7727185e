/** One of the lab's own calls, and what such calls work with. */
import type { Deliveries } from "../deliveries.ts";
import type { Inventories } from "../inventory/inventory.ts";
import type { OrganizationsService } from "../organizations/organizations.ts";
import type { S3Service } from "../s3/service.ts";

export interface AdminWorld {
  readonly s3: S3Service;
  readonly organizations: Pick<OrganizationsService, "join">;
  /** The lab's. */
  readonly clock: () => number;
  readonly deliveries: Deliveries;
  readonly inventories: Pick<Inventories, "run">;
}

export interface Route {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Behind `/_lockstep/`. */
  readonly path: RegExp;
  /**
   * Returns what is answered, as JSON.
   *
   * @param names what the path's groups matched
   * @param body  as it was sent, parsed; `{}` without one
   * @throws ServiceError; ZodError when the body is not what it should be
   */
  run(world: AdminWorld, names: readonly string[], body: unknown): unknown;
}
