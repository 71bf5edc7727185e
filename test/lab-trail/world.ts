/** A lab whose logs, trails and inventories are delivered when a test says so, and readers of what is delivered. */
import { gunzipSync } from "node:zlib";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { GetObjectCommand, ListObjectsV2Command, PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { ALICE, REGION, TestLab } from "../lab-s3/lab.ts";

export interface CloudTrailRecord {
  readonly [name: string]: unknown;
  readonly eventName: string;
  readonly eventSource: string;
  readonly userIdentity: Readonly<Record<string, unknown>>;
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
}

export class TrailWorld {
  readonly lab: TestLab;

  private constructor(lab: TestLab) {
    this.lab = lab;
  }

  static async start(): Promise<TrailWorld> {
    return new TrailWorld(await TestLab.start({ runsJobs: false }));
  }

  cloudTrail(credentials: Credentials = this.lab.alice, region = REGION, systemClockOffset = 0): CloudTrailClient {
    const { endpoint } = this.lab;
    return this.lab.keep(new CloudTrailClient({ endpoint, region, credentials, systemClockOffset, maxAttempts: 1 }));
  }

  /** Lets a service put objects into a bucket. */
  async letIn(bucket: string, service: string, condition?: object): Promise<void> {
    const Principal = { Service: service };
    const Statement = [
      { Effect: "Allow", Principal, Action: "s3:GetBucketAcl", Resource: `arn:aws:s3:::${bucket}` },
      {
        Effect: "Allow",
        Principal,
        Action: "s3:PutObject",
        Resource: `arn:aws:s3:::${bucket}/*`,
        ...(condition === undefined ? {} : { Condition: condition }),
      },
    ];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await this.lab.s3().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }

  async keys(bucket: string): Promise<string[]> {
    const { Contents = [] } = await this.lab.s3().send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.flatMap((one) => one.Key ?? []);
  }

  async bytes(bucket: string, key: string): Promise<Buffer> {
    const { Body } = await this.lab.s3().send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async text(bucket: string, key: string): Promise<string> {
    return (await this.bytes(bucket, key)).toString("latin1");
  }

  /** The records of all files of a trail in a bucket. */
  async records(bucket: string): Promise<CloudTrailRecord[]> {
    const files = (await this.keys(bucket)).filter((key) => key.endsWith(".json.gz"));
    const texts = await Promise.all(files.map(async (key) => gunzipSync(await this.bytes(bucket, key)).toString()));
    return texts.flatMap((text) => (JSON.parse(text) as { Records: CloudTrailRecord[] }).Records);
  }

  async stop(): Promise<void> {
    await this.lab.stop();
  }
}

/** The account that the tests' buckets are of. */
export const ACCOUNT = ALICE;
