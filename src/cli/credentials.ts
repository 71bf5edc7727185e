/** The credentials of whoever calls a command: from the environment, or from the configuration files of AWS. */
import type { Credentials } from "../core/model.ts";
import type { Context } from "./context.ts";
import { AccessError } from "./errors.ts";

/** Variables first and without the SDK; else whatever its chain of providers finds. */
export function credentialsOf(
  profile: string | undefined,
  environment: Context["environment"],
): () => Promise<Credentials> {
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
  const sessionToken = environment["AWS_SESSION_TOKEN"];
  if (profile === undefined && accessKeyId !== undefined && secretAccessKey !== undefined) {
    const held: Credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
    return async () => held;
  }
  let provider: (() => Promise<Credentials>) | undefined;
  return async () => {
    if (provider === undefined) {
      const { fromIni, fromNodeProviderChain } = await import("@aws-sdk/credential-providers");
      provider = profile === undefined ? fromNodeProviderChain() : fromIni({ profile });
    }
    try {
      return await provider();
    } catch (cause) {
      const hint =
        profile === undefined
          ? `run \`eval "$(lockstep env)"\` for the lab, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`
          : `profile ${profile} of the AWS configuration files yields none`;
      throw new AccessError(`there are no credentials: ${hint}`, { cause });
    }
  };
}
