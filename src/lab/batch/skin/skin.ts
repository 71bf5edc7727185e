/**
 * The wire protocol of S3 Control over the brain: tells its requests from those of S3, names the operation, runs it.
 *
 * S3 Control signs as S3 and speaks XML, but wraps its errors. Its clients send the account in a header and, unless they
 * are told not to, in front of the host's name.
 *
 * @source aws-replication.md §6.1, §12.6; that errors are wrapped in `ErrorResponse` is in the service's Smithy model
 *   (`restXml` without `noErrorWrapping`)
 */
import { printXml, type XmlNode } from "../../../core/xml.ts";
import type { ServiceAnswer, ServiceCall, ServiceError, Skin } from "../../model.ts";
import { printS3Error } from "../../s3/skin/print.ts";
import { accessDenied, invalidRequest, noSuchJob, notEmulated } from "../errors.ts";
import { JOB_STATUSES, type JobStatus } from "../model.ts";
import {
  type BatchCall,
  type BatchService,
  createJob,
  describeJob,
  JOBS_LISTED_MAX,
  listJobs,
  updateJobPriority,
  updateJobStatus,
} from "../operations.ts";
import { parseJobRequest } from "./parse.ts";
import { descriptorNode, listedNode } from "./print.ts";

/** A call of S3 Control: parameters may be repeated, so the query is there as it came, too. */
export interface ControlCall extends ServiceCall {
  readonly rawQuery: string;
}

export interface ControlSkin {
  handle(call: ControlCall): Promise<ServiceAnswer>;
  readonly printError: Skin["printError"];
}

const PATH = /^\/v20180820(?:\/|$)/;
const HOST_ACCOUNT = /^(\d{12})\./;
const NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/";
const BODY_BYTES_MAX = 256 * 1024;

/** Whether a request is for S3 Control: a bucket may be called v20180820, but S3 knows no such header. */
export function isControlRequest(rawPath: string, headers: Readonly<Record<string, string>>): boolean {
  return PATH.test(rawPath) && accountNamedBy(headers) !== undefined;
}

function accountNamedBy(headers: Readonly<Record<string, string>>): string | undefined {
  return headers["x-amz-account-id"] ?? HOST_ACCOUNT.exec(headers["host"] ?? "")?.[1];
}

type Handler = (batch: BatchService, call: ControlCall & BatchCall, id: string) => Promise<XmlNode & object>;

/** By method and path behind the version, `ID` for a job's id. */
const OPERATIONS: Readonly<Record<string, Handler>> = {
  "POST /jobs": handleCreateJob,
  "GET /jobs": handleListJobs,
  "GET /jobs/ID": handleDescribeJob,
  "POST /jobs/ID/status": handleUpdateJobStatus,
  "POST /jobs/ID/priority": handleUpdateJobPriority,
};

const JOB_ID = /^[A-Za-z0-9_-]{5,36}$/;

export function createControlSkin(batch: BatchService): ControlSkin {
  return {
    async handle(call) {
      const account = accountNamedBy(call.headers) ?? "";
      if (!/^\d{12}$/.test(account)) throw invalidRequest("x-amz-account-id is not an account id");
      const inHost = HOST_ACCOUNT.exec(call.headers["host"] ?? "")?.[1];
      if (inHost !== undefined && inHost !== account) throw accessDenied();
      const [, , ...parts] = call.rawPath.split("/");
      const [kind = "", id = "", ...rest] = parts;
      const route = ["", kind, ...(id === "" ? [] : ["ID"]), ...rest].join("/");
      const name = `${call.method} ${route}`;
      const handler = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
      if (handler === undefined) throw notEmulated(`S3 Control's ${call.method} ${call.rawPath}`);
      if (id !== "" && !JOB_ID.test(id)) throw noSuchJob();
      const root = await handler(batch, { ...call, account }, id);
      return { status: 200, headers: { "content-type": "application/xml" }, body: printXml(root, NAMESPACE) };
    },
    printError: printControlError,
  };
}

async function handleCreateJob(batch: BatchService, call: ControlCall & BatchCall): Promise<XmlNode & object> {
  const body = Buffer.from(await call.readBody(BODY_BYTES_MAX)).toString("utf8");
  const { id } = await createJob(batch, call, parseJobRequest(body));
  return ["CreateJobResult", [["JobId", id]]];
}

async function handleDescribeJob(
  batch: BatchService,
  call: ControlCall & BatchCall,
  id: string,
): Promise<XmlNode & object> {
  return ["DescribeJobResult", [descriptorNode(await describeJob(batch, call, id), call.nowMs)]];
}

async function handleListJobs(batch: BatchService, call: ControlCall & BatchCall): Promise<XmlNode & object> {
  const parameters = new URLSearchParams(call.rawQuery);
  const statuses = parameters.getAll("jobStatuses").map((one): JobStatus => {
    const status = JOB_STATUSES.find((known) => known === one);
    if (status === undefined) throw invalidRequest(`${one} is not a status of jobs`);
    return status;
  });
  const nextToken = parameters.get("nextToken");
  const { jobs, nextToken: next } = await listJobs(batch, call, {
    statuses,
    maxResults: integerOf(parameters.get("maxResults"), "maxResults", JOBS_LISTED_MAX) || JOBS_LISTED_MAX,
    ...(nextToken === null ? {} : { nextToken }),
  });
  return [
    "ListJobsResult",
    [
      ["NextToken", next],
      ["Jobs", jobs.map((job) => listedNode(job, call.nowMs))],
    ],
  ];
}

async function handleUpdateJobStatus(
  batch: BatchService,
  call: ControlCall & BatchCall,
  id: string,
): Promise<XmlNode & object> {
  const status = call.query.get("requestedJobStatus");
  const reason = call.query.get("statusUpdateReason");
  if (status !== "Ready" && status !== "Cancelled")
    throw invalidRequest("requestedJobStatus is neither Ready nor Cancelled");
  if (reason !== undefined && (reason === "" || reason.length > REASON_LENGTH_MAX)) {
    throw invalidRequest(`statusUpdateReason has 1 to ${REASON_LENGTH_MAX} characters`);
  }
  const job = await updateJobStatus(batch, call, { id, status, ...(reason === undefined ? {} : { reason }) });
  return [
    "UpdateJobStatusResult",
    [
      ["JobId", job.id],
      ["Status", job.status],
      ["StatusUpdateReason", job.statusUpdateReason],
    ],
  ];
}

const REASON_LENGTH_MAX = 256;
const PRIORITY_MAX = 2 ** 31 - 1;

async function handleUpdateJobPriority(
  batch: BatchService,
  call: ControlCall & BatchCall,
  id: string,
): Promise<XmlNode & object> {
  const given = call.query.get("priority");
  if (given === undefined) throw invalidRequest("priority is missing");
  const { priority } = await updateJobPriority(batch, call, {
    id,
    priority: integerOf(given, "priority", PRIORITY_MAX),
  });
  return [
    "UpdateJobPriorityResult",
    [
      ["JobId", id],
      ["Priority", priority],
    ],
  ];
}

/** A whole number from 0 to `max`; 0 when it is not there. */
function integerOf(text: string | null, name: string, max: number): number {
  if (text === null) return 0;
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw invalidRequest(`${name} is not a number from 0 to ${max}`);
  return Number(text);
}

/** S3's document, wrapped: request ids stand outside of the error. */
function printControlError(error: ServiceError, call: Parameters<Skin["printError"]>[1]): ServiceAnswer {
  const printed = printS3Error(error, call);
  if (typeof printed.body !== "string") return printed;
  const [head = "", document = ""] = printed.body.split(/\n/, 2);
  const ids = document.indexOf("<RequestId>");
  const wrapped = `<ErrorResponse xmlns="${NAMESPACE}">${document.slice(0, ids)}</Error>${document.slice(ids, -"</Error>".length)}</ErrorResponse>`;
  return { ...printed, body: `${head}\n${wrapped}` };
}
