/** Who the credentials belong to. */
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked } from "./errors.ts";

export interface CallerIdentity {
  readonly accountId: string;
  readonly arn: string;
}

/** Needs no permission at all, so it also tells whether the credentials are good. @throws AwsError */
export async function callerIdentity(access: AwsAccess): Promise<CallerIdentity> {
  const { STS } = await import("@aws-sdk/client-sts");
  const sts = new STS(clientSettings(access));
  try {
    const { Account, Arn } = await asked("sts", "GetCallerIdentity", sts.getCallerIdentity({}));
    return { accountId: Account ?? "", arn: Arn ?? "" };
  } finally {
    sts.destroy();
  }
}
