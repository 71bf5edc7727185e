/**
 * A lab whose batch jobs move by steps, with a source, two destinations, a bucket for reports, the roles of a job and of
 * replication; and S3 Control spoken to by signed requests, for there is no other client of it among our packages.
 */
import assert from "node:assert/strict";
import { CreateRoleCommand, type IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketReplicationCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { child, childText, printXml, type XmlElement, type XmlNode } from "../../src/core/xml.ts";
import { parseXml } from "../../src/s3/xml.ts";
import { ALICE, TestLab, type TestLabOptions } from "../lab-s3/lab.ts";
import { send } from "../lab-s3/raw.ts";

export const JOB_ROLE = `arn:aws:iam::${ALICE}:role/batch`;
export const MOVER_ROLE = `arn:aws:iam::${ALICE}:role/mover`;
export const SOURCE = "batch-source";
export const TARGET = "batch-target";
export const REPORTS = "batch-reports";
const NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/";
const STEPS_MAX = 10_000;

/** An answer of S3 Control. */
export interface ControlAnswer {
  readonly status: number;
  readonly root: XmlElement;
}

export interface ReportRow {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  /** `succeeded,200,,success` */
  readonly outcome: string;
}

/** Elements of CreateJob's document, by name; undefined takes one out. */
export type JobParts = Readonly<Record<string, XmlNode | undefined>>;

export class BatchLab {
  readonly lab: TestLab;
  readonly s3: S3Client;
  readonly iam: IAMClient;
  #tokens = 0;

  private constructor(lab: TestLab) {
    this.lab = lab;
    this.s3 = lab.s3();
    this.iam = lab.iam();
  }

  static async start(options: TestLabOptions = {}): Promise<BatchLab> {
    const made = new BatchLab(await TestLab.start({ runsJobs: false, ...options }));
    for (const bucket of [SOURCE, TARGET]) await made.lab.bucket(bucket, { versioned: true });
    await made.lab.bucket(REPORTS);
    await made.role("batch", "batchoperations.s3.amazonaws.com");
    await made.role("mover", "s3.amazonaws.com");
    await made.allow("batch", ["s3:*"]);
    await made.allow("mover", ["s3:*"]);
    return made;
  }

  /** The same lab after a restart: clients know its new port. */
  static over(lab: TestLab): BatchLab {
    return new BatchLab(lab);
  }

  async role(name: string, service: string): Promise<void> {
    const AssumeRolePolicyDocument = policy({ Principal: { Service: service }, Action: "sts:AssumeRole" });
    await this.iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
  }

  /** Replaces what the role may do. */
  async allow(role: string, actions: readonly string[], resource: string | readonly string[] = "*"): Promise<void> {
    const PolicyDocument = policy({ Action: actions, Resource: resource });
    await this.iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: "may", PolicyDocument }));
  }

  /** Sets rules of a bucket: all its keys go to the destination, or what `rule` says. */
  async replicate(Bucket: string, destination: string, rule: object = {}): Promise<void> {
    const Rules = [
      {
        ID: `to-${destination}`,
        Priority: 1,
        Status: "Enabled" as const,
        Filter: { Prefix: "" },
        DeleteMarkerReplication: { Status: "Enabled" as const },
        Destination: { Bucket: `arn:aws:s3:::${destination}` },
        ...rule,
      },
    ];
    const ReplicationConfiguration = { Role: MOVER_ROLE, Rules };
    await this.s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration }));
  }

  async put(Key: string, more: { readonly Bucket?: string; readonly [name: string]: unknown } = {}): Promise<string> {
    const { VersionId } = await this.s3.send(
      new PutObjectCommand({ Bucket: SOURCE, Key, Body: `body of ${Key}`, ...more }),
    );
    return VersionId ?? "";
  }

  async control(
    method: string,
    path: string,
    more: { readonly body?: string; readonly by?: Credentials; readonly headers?: Record<string, string> } = {},
  ): Promise<ControlAnswer> {
    const answer = await send(this.lab.port, more.by ?? this.lab.alice, {
      method,
      target: `/v20180820${path}`,
      headers: { "x-amz-account-id": ALICE, ...more.headers },
      ...(more.body === undefined ? {} : { body: Buffer.from(more.body) }),
    });
    return { status: answer.status, root: parseXml(answer.body) };
  }

  /** CreateJob's document, of a generated manifest of the source unless the parts say otherwise. */
  document(parts: JobParts = {}): string {
    this.#tokens += 1;
    const elements: JobParts = {
      Operation: ["Operation", [["S3ReplicateObject", ""]]],
      Report: reportOf("AllTasks"),
      ClientRequestToken: ["ClientRequestToken", `token-${this.#tokens}`],
      ManifestGenerator: parts["Manifest"] === undefined ? generatorOf() : undefined,
      Priority: ["Priority", 10],
      RoleArn: ["RoleArn", JOB_ROLE],
      ...parts,
    };
    return printXml(["CreateJobRequest", Object.values(elements)], NAMESPACE);
  }

  async create(parts: JobParts = {}, by?: Credentials): Promise<string> {
    const body = this.document(parts);
    const answer = await this.control("POST", "/jobs", { body, ...(by === undefined ? {} : { by }) });
    assert.equal(answer.status, 200, JSON.stringify(answer.root));
    return childText(answer.root, "JobId") ?? "";
  }

  async describe(id: string): Promise<XmlElement> {
    const { root } = await this.control("GET", `/jobs/${id}`);
    return child(root, "Job") ?? root;
  }

  async status(id: string): Promise<string> {
    return childText(await this.describe(id), "Status") ?? "";
  }

  /** Steps until nothing is left to do. */
  async finish(): Promise<void> {
    for (let steps = 0; await this.lab.lab.stepJobs(); steps++) assert.ok(steps < STEPS_MAX, "jobs go on for ever");
  }

  /** Makes a job and works it off. Returns its id. */
  async run(parts: JobParts = {}): Promise<string> {
    const id = await this.create(parts);
    await this.finish();
    return id;
  }

  /** The same, with the rows of its report. */
  async report(parts: JobParts = {}): Promise<readonly ReportRow[]> {
    const id = await this.run(parts);
    assert.equal(await this.status(id), "Complete", JSON.stringify(await this.describe(id)));
    return await this.rowsOf(id);
  }

  async rowsOf(id: string): Promise<readonly ReportRow[]> {
    const manifest = JSON.parse(await this.text(REPORTS, `reports/job-${id}/manifest.json`)) as {
      readonly Results: readonly { readonly Key: string }[];
    };
    const texts = await Promise.all(manifest.Results.map(({ Key }) => this.text(REPORTS, Key)));
    return texts
      .flatMap((text) => text.trimEnd().split("\n"))
      .map((line) => {
        const [bucket = "", key = "", versionId = "", ...outcome] = line.split(",");
        return { bucket, key, versionId, outcome: outcome.join(",") };
      });
  }

  async text(Bucket: string, Key: string): Promise<string> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  }

  async keysIn(Bucket: string): Promise<string[]> {
    const { Contents = [] } = await this.s3.send(new ListObjectsV2Command({ Bucket }));
    return Contents.map(({ Key = "" }) => Key);
  }

  /** Puts a manifest and names it. */
  async manifest(text: string, fields: readonly string[] = ["Bucket", "Key", "VersionId"]): Promise<XmlNode> {
    const put = await this.s3.send(new PutObjectCommand({ Bucket: REPORTS, Key: "manifests/one.csv", Body: text }));
    return manifestOf(fields, put.ETag ?? "");
  }
}

export function manifestOf(fields: readonly string[], etag: string): XmlNode {
  const spec: XmlNode[] = [
    ["Format", "S3BatchOperations_CSV_20180820"],
    ["Fields", fields.map((one): XmlNode => ["member", one])],
  ];
  const location: XmlNode[] = [
    ["ObjectArn", `arn:aws:s3:::${REPORTS}/manifests/one.csv`],
    ["ETag", etag],
  ];
  return [
    "Manifest",
    [
      ["Spec", spec],
      ["Location", location],
    ],
  ];
}

export function reportOf(scope: "AllTasks" | "FailedTasksOnly"): XmlNode {
  return [
    "Report",
    [
      ["Bucket", `arn:aws:s3:::${REPORTS}`],
      ["Format", "Report_CSV_20180820"],
      ["Enabled", true],
      ["Prefix", "reports"],
      ["ReportScope", scope],
    ],
  ];
}

/** Every version of the source that passes the filter. */
export function generatorOf(filter: readonly XmlNode[] = [], more: readonly XmlNode[] = [], source = SOURCE): XmlNode {
  return [
    "ManifestGenerator",
    [
      [
        "S3JobManifestGenerator",
        [
          ["SourceBucket", `arn:aws:s3:::${source}`],
          ["Filter", filter],
          ...(more.length === 0 ? ([["EnableManifestOutput", false]] as const) : more),
        ],
      ],
    ],
  ];
}

/** `<Name><member>…` */
export function members(name: string, ...values: readonly string[]): XmlNode & object {
  return [name, values.map((one): XmlNode => ["member", one])];
}

/** A policy of one statement that allows. */
export function policy(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
}

/** `Code status` of an error of S3 Control. */
export function controlError({ status, root }: ControlAnswer): string {
  assert.equal(root.name, "ErrorResponse");
  return `${childText(child(root, "Error") ?? root, "Code")} ${status}`;
}

/** `FailureReasons` of a described job. */
export function failuresOf(job: XmlElement): string[] {
  return (child(job, "FailureReasons")?.children ?? []).map((one) => childText(one, "FailureReason") ?? "");
}
