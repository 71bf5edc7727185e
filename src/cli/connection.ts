/**
 * From options and environment to everything a command asks: stores by bucket, the control plane, the engine's console.
 *
 * Obeys the standard AWS variables and profiles. Nothing is asked before it is needed, but who the credentials belong to.
 */
import type { AwsAccess } from "../aws/access.ts";
import { CloudTrailControl } from "../aws/cloudtrail.ts";
import { AwsError } from "../aws/errors.ts";
import { IamControl } from "../aws/iam.ts";
import { callerPolicies } from "../aws/iam-caller.ts";
import { KmsControl } from "../aws/kms.ts";
import { OrganizationsControl, type SignPost } from "../aws/organizations.ts";
import { S3Control } from "../aws/s3-control.ts";
import { type CallerIdentity, callerIdentity } from "../aws/sts.ts";
import type { BucketAccess, Surroundings } from "../doctor/ports.ts";
import type { OwnChanges } from "../monitor/alerts/own-changes.ts";
import { createS3Client, type S3Client } from "../s3/client.ts";
import { S3Error } from "../s3/errors.ts";
import { hashPayload, signHeaders } from "../s3/sigv4.ts";
import { acrossAccounts } from "./accounts.ts";
import { type CommandInput, textOption, textOptions } from "./command.ts";
import type { ConsoleClient } from "./console-client.ts";
import { consoleIn } from "./console-options.ts";
import type { Context } from "./context.ts";
import { credentialsOf } from "./credentials.ts";
import { DEFAULT_REGION } from "./defaults.ts";
import { AccessError, UsageError } from "./errors.ts";

export interface Connection extends Surroundings {
  /** "aws" when no endpoint is set. */
  readonly endpoint: string;
  /** Undefined where the store knows no identities. */
  readonly callerArn?: string;
  readonly console?: ConsoleClient;
  /** Told of what is written. */
  readonly ownChanges?: OwnChanges;
  readonly s3Control: S3Control;
  /** What has to be typed once more to ask as the same accounts; "" or words that begin with a space. */
  readonly typed?: string;
  close(): Promise<void>;
}

/** From the command's options and the environment. @throws AccessError when there are no credentials, or nobody answers */
export async function connect(input: CommandInput, context: Context): Promise<Connection> {
  const { environment, clock } = context;
  const access = accessOf(input, context);
  const organizationProfile = textOption(input, "organizationProfile") ?? environment["LOCKSTEP_ORGANIZATION_PROFILE"];
  const profiles = accountProfiles(input, environment);
  const first = await openConnection(
    access,
    clock,
    consoleIn(input, context),
    organizationProfile === undefined ? access.credentials : credentialsOf(organizationProfile, environment),
  );
  const others: Connection[] = [];
  for (const { account, profile } of profiles) {
    const credentials = credentialsOf(profile, environment);
    const other = await openConnection({ ...access, credentials }, clock, undefined);
    others.push(other);
    if (other.accountId === account) continue;
    await Promise.all([first, ...others].map((one) => one.close()));
    throw new UsageError(`profile ${profile} holds credentials of account ${other.accountId}, not of ${account}`);
  }
  const typed = profiles.map(({ account, profile }) => ` --profile-for ${account}=${profile}`).join("");
  return { ...acrossAccounts(first, others), typed };
}

/** Where a command asks, and as whom; nothing is asked for it. */
export function accessOf(input: CommandInput, { environment }: Context): AwsAccess {
  const endpoint =
    textOption(input, "endpointUrl") ?? environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"];
  const region =
    textOption(input, "region") ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? DEFAULT_REGION;
  const credentials = credentialsOf(textOption(input, "profile"), environment);
  return { region, credentials, ...(endpoint === undefined ? {} : { endpoint }) };
}

/** `ACCOUNT=PROFILE`, from the options, or else from the environment, where commas part them. @throws UsageError */
function accountProfiles(
  input: CommandInput,
  environment: Context["environment"],
): readonly { readonly account: string; readonly profile: string }[] {
  const given = textOptions(input, "profileFor");
  const texts = given.length > 0 ? given : (environment["LOCKSTEP_PROFILE_FOR"] ?? "").split(",");
  return texts
    .filter((one) => one !== "")
    .map((text) => {
      const [, account, profile] = /^(\d{12})=(.+)$/.exec(text.trim()) ?? [];
      if (account !== undefined && profile !== undefined) return { account, profile };
      throw new UsageError(`--profile-for takes ACCOUNT=PROFILE, such as 444455556666=replica, not "${text}"`);
    });
}

/**
 * @param organizationCredentials of an account that may read and change the policies of the organisation
 * @throws AccessError when the credentials are not accepted, or nobody answers
 */
export async function openConnection(
  access: AwsAccess,
  clock: () => number,
  console: ConsoleClient | undefined,
  organizationCredentials: AwsAccess["credentials"] = access.credentials,
): Promise<Connection> {
  const clients = new Clients(access, clock);
  const organizationAccess = { ...access, credentials: organizationCredentials };
  const caller = await callerOf(access);
  const trail = new CloudTrailControl(access);
  return {
    endpoint: access.endpoint ?? "aws",
    accountId: caller?.accountId ?? "",
    ...(caller === undefined
      ? {}
      : { callerArn: caller.arn, policiesOf: () => callerPolicies(access, caller.arn), trail }),
    bucket: (name) => clients.bucket(name),
    iam: new IamControl(access),
    kms: new KmsControl(access),
    s3Control: new S3Control(access),
    organizations: new OrganizationsControl(organizationAccess, signerOf(organizationAccess, clock)),
    clock,
    ...(console === undefined ? {} : { console, records: console, ownChanges: console.ownChanges }),
    close: async () => {
      await Promise.all([clients.close(), trail.close()]);
    },
  };
}

/** Signs for services that no SDK client is there for. */
function signerOf({ credentials }: AwsAccess, clock: () => number): SignPost {
  return async ({ service, region, path, headers, body }) =>
    signHeaders({ method: "POST", rawPath: path, rawQuery: "", headers }, hashPayload(Buffer.from(body)), {
      credentials: await credentials(),
      region,
      service,
      nowMs: clock(),
    });
}

/** Who asks. Stores without STS have nobody to tell: then it is undefined. */
async function callerOf(access: AwsAccess): Promise<CallerIdentity | undefined> {
  try {
    return await callerIdentity(access);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.status === undefined) {
      const where = access.endpoint ?? `AWS in ${access.region}`;
      throw new AccessError(`nobody answers at ${where} (${error.code}): start it, or correct AWS_ENDPOINT_URL`, {
        cause: error,
      });
    }
    if (error.status === 401 || error.status === 403) {
      throw new AccessError(`the credentials are not accepted: ${error.message}`, { cause: error });
    }
    return undefined;
  }
}

/** One client per Region, each made when a bucket of that Region is asked for. */
class Clients {
  readonly #access: AwsAccess;
  readonly #clock: () => number;
  readonly #clients = new Map<string, S3Client>();
  readonly #buckets = new Map<string, Promise<BucketAccess>>();

  constructor(access: AwsAccess, clock: () => number) {
    this.#access = access;
    this.#clock = clock;
  }

  bucket(name: string): Promise<BucketAccess> {
    let found = this.#buckets.get(name);
    if (found === undefined) {
      found = this.#find(name);
      this.#buckets.set(name, found);
      // A bucket that is not there may be made.
      found.catch(() => this.#buckets.delete(name));
    }
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((one) => one.close()));
  }

  async #find(name: string): Promise<BucketAccess> {
    const region = await this.#regionOf(name);
    const client = this.#client(region ?? this.#access.region);
    return { store: client, settings: client, region };
  }

  async #regionOf(name: string): Promise<string | undefined> {
    try {
      return (await this.#client(this.#access.region).headBucket(name)).region;
    } catch (error) {
      // Asked in the wrong Region, S3 says which is the right one.
      if (error instanceof S3Error && error.fields.details?.["Region"] !== undefined)
        return error.fields.details["Region"];
      if (error instanceof S3Error && error.status === 404) {
        throw new S3Error(`there is no bucket ${name} at ${this.#where()}`, error.fields, { cause: error });
      }
      if (error instanceof S3Error && error.status === 403) {
        throw new S3Error(
          `the credentials may not look at bucket ${name} at ${this.#where()} (s3:ListBucket is denied)`,
          error.fields,
          {
            cause: error,
          },
        );
      }
      throw error;
    }
  }

  #where(): string {
    return this.#access.endpoint ?? "AWS";
  }

  #client(region: string): S3Client {
    let client = this.#clients.get(region);
    if (client === undefined) {
      const { endpoint = `https://s3.${region}.amazonaws.com`, credentials } = this.#access;
      client = createS3Client({ endpoint, region, credentials, clock: this.#clock });
      this.#clients.set(region, client);
    }
    return client;
  }
}
