/** How the services of the control plane are reached: where, as whom, and under which clock. */
import type { Credentials } from "../core/model.ts";

export interface AwsAccess {
  /** Of every service, as with `AWS_ENDPOINT_URL`; undefined: AWS's own. */
  readonly endpoint?: string;
  readonly region: string;
  readonly credentials: () => Promise<Credentials>;
}

/** The settings that every SDK client of this room is made with. Retries are off: there is one policy, and it is not here. */
export function clientSettings(access: AwsAccess, region: string = access.region) {
  return {
    region,
    maxAttempts: 1,
    credentials: async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await access.credentials();
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    },
    ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
  };
}
