/** S3 Batch Operations, asked through the AWS SDK: jobs are made, looked at and confirmed in the source bucket's Region. */
import type { S3Control as Client, CreateJobCommandInput } from "@aws-sdk/client-s3-control";
import { bucketOfArn } from "../core/arn.ts";
import type { JobDocument } from "../core/batch/job.ts";
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked, askedFor } from "./errors.ts";

export interface JobDescription {
  readonly id: string;
  /** `Preparing`, `Suspended`, `Active`, `Complete`, … @source aws-replication.md §6.4 */
  readonly status: string;
  /** Undefined before the manifest has been read. */
  readonly tasks?: number;
  /** Not to be relied on: the report is. */
  readonly succeeded: number;
  readonly failed: number;
  readonly failures: readonly { readonly code: string; readonly reason: string }[];
  readonly roleArn: string;
  /** When it was over; what it had initiated may have arrived later. */
  readonly endedAtMs?: number;
  /** Where the report goes, or is. */
  readonly output?: { readonly bucket: string; readonly prefix?: string };
}

/** Where a job is. */
export interface JobPlace {
  readonly accountId: string;
  readonly region: string;
}

const ABSENT = ["NotFoundException", "NoSuchJob"];

export class S3Control {
  readonly #access: AwsAccess;
  readonly #clients = new Map<string, Promise<Client>>();

  constructor(access: AwsAccess) {
    this.#access = access;
  }

  /** Idempotent by the document's token. Returns the job's id. @throws AwsError */
  async createJob(region: string, document: JobDocument): Promise<string> {
    const client = await this.#client(region);
    const { JobId } = await asked("s3control", "CreateJob", client.createJob(inputOf(document)));
    return JobId ?? "";
  }

  /** Undefined when there is none, as of jobs that ended more than 90 days ago. @throws AwsError */
  async describeJob({ accountId, region }: JobPlace, id: string): Promise<JobDescription | undefined> {
    const client = await this.#client(region);
    const request = { AccountId: accountId, JobId: id };
    const answer = await askedFor("s3control", "DescribeJob", ABSENT, client.describeJob(request));
    const job = answer?.Job;
    if (job === undefined) return undefined;
    const tasks = job.ProgressSummary?.TotalNumberOfTasks;
    const bucket = bucketOfArn(job.Report?.Bucket ?? "");
    const prefix = job.Report?.Prefix;
    return {
      id,
      status: job.Status ?? "",
      ...(tasks === undefined ? {} : { tasks }),
      succeeded: job.ProgressSummary?.NumberOfTasksSucceeded ?? 0,
      failed: job.ProgressSummary?.NumberOfTasksFailed ?? 0,
      failures: (job.FailureReasons ?? []).map((one) => ({
        code: one.FailureCode ?? "",
        reason: one.FailureReason ?? "",
      })),
      roleArn: job.RoleArn ?? "",
      ...(job.TerminationDate === undefined ? {} : { endedAtMs: job.TerminationDate.getTime() }),
      ...(bucket === undefined ? {} : { output: { bucket, ...(prefix === undefined ? {} : { prefix }) } }),
    };
  }

  /** `Ready` confirms a suspended job. @throws AwsError */
  async setStatus({ accountId, region }: JobPlace, id: string, status: "Ready" | "Cancelled"): Promise<void> {
    const client = await this.#client(region);
    const request = { AccountId: accountId, JobId: id, RequestedJobStatus: status };
    await asked("s3control", "UpdateJobStatus", client.updateJobStatus(request));
  }

  async #client(region: string): Promise<Client> {
    let client = this.#clients.get(region);
    if (client === undefined) {
      const settings = settingsOf(this.#access, region);
      client = import("@aws-sdk/client-s3-control").then((sdk) => new sdk.S3Control(settings));
      this.#clients.set(region, client);
    }
    return await client;
  }
}

/**
 * AWS has an address for each account. A store at one endpoint is told the account by a header alone: the SDK would put it
 * in front of an address of numbers, too, so that it is told the whole address and how to sign for it.
 */
function settingsOf(access: AwsAccess, region: string) {
  const { endpoint, ...settings } = clientSettings(access, region);
  if (endpoint === undefined) return settings;
  const authSchemes = [
    { name: "sigv4", signingName: "s3", signingRegion: region, disableDoubleEncoding: true, properties: {} },
  ];
  return {
    ...settings,
    disableHostPrefix: true,
    endpointProvider: () => ({ url: new URL(endpoint), properties: { authSchemes } }),
  };
}

/** The SDK takes times as dates. */
function inputOf({ ManifestGenerator, ...document }: JobDocument): CreateJobCommandInput {
  if (ManifestGenerator === undefined) return document;
  const generator = ManifestGenerator.S3JobManifestGenerator;
  const { CreatedAfter, CreatedBefore, ...filter } = generator.Filter;
  return {
    ...document,
    ManifestGenerator: {
      S3JobManifestGenerator: {
        ...generator,
        Filter: {
          ...filter,
          ...(CreatedAfter === undefined ? {} : { CreatedAfter: new Date(CreatedAfter) }),
          ...(CreatedBefore === undefined ? {} : { CreatedBefore: new Date(CreatedBefore) }),
        },
      },
    },
  };
}
