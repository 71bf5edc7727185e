/** Who the credentials belong to, and the credentials of roles. */
import type { Credentials } from "../core/model.ts";
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

/** Assumes a role. @throws AwsError */
export async function assumeRole(access: AwsAccess, roleArn: string, sessionName: string): Promise<Credentials> {
  const { STS } = await import("@aws-sdk/client-sts");
  const sts = new STS(clientSettings(access));
  try {
    const request = { RoleArn: roleArn, RoleSessionName: sessionName };
    const { Credentials: given } = await asked("sts", "AssumeRole", sts.assumeRole(request));
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "", Expiration } = given ?? {};
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...(Expiration === undefined ? {} : { expiresAtMs: Expiration.getTime() }),
    };
  } finally {
    sts.destroy();
  }
}
