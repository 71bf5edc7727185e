/** CloudWatch of the lab put together: what looks every minute, and the skin through which metrics are read. */
import type { Skin } from "../model.ts";
import type { S3Service } from "../s3/service.ts";
import { Sampler } from "./sampler.ts";
import { createCloudWatchSkin } from "./skin.ts";

export interface CloudWatch {
  readonly cloudWatchSkin: Skin;
  readonly sampler: Pick<Sampler, "start" | "stop">;
}

export function createCloudWatch(
  s3: S3Service,
  options: { readonly clock: () => number; readonly onFault: (error: unknown) => void },
): CloudWatch {
  const sampler = new Sampler({ s3, ...options });
  return { sampler, cloudWatchSkin: createCloudWatchSkin({ s3, authoriser: s3.authoriser, sampler }) };
}
