/** A lab in this process as the engine's steps see it, without sockets: both ends as the role that was assumed. */
import { bucketOfArn } from "../../core/arn.ts";
import type { Credentials } from "../../core/model.ts";
import type { BucketTraits, Session, SessionRequest, Sites } from "../../engine/ports.ts";
import type { Lab } from "../../lab/lab.ts";
import { DEFAULT_REGION } from "../defaults.ts";
import { assumeByService } from "../up/sites.ts";

export class DirectSites implements Pick<Sites, "session" | "traits"> {
  readonly #lab: Lab;
  readonly #assumed = new Map<string, Promise<Credentials>>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async traits(bucket: string): Promise<BucketTraits> {
    return this.#lab.bucket(bucket) ?? {};
  }

  async session({ roleArn, sourceBucket, destinationArn }: SessionRequest): Promise<Session> {
    let assumed = this.#assumed.get(roleArn);
    if (assumed === undefined) {
      assumed = assumeByService(this.#lab, roleArn);
      this.#assumed.set(roleArn, assumed);
    }
    const credentials = await assumed;
    const storeOf = (bucket: string) =>
      this.#lab.direct(credentials, this.#lab.bucket(bucket)?.region ?? DEFAULT_REGION);
    return {
      source: storeOf(sourceBucket),
      destination: storeOf(bucketOfArn(destinationArn) ?? destinationArn),
      movesSealed: true,
    };
  }
}
