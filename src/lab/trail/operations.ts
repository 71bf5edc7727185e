/** The operations of CloudTrail that the lab has: LookupEvents, and trails with their selectors. */
import { hash } from "node:crypto";
import { cloudTrailError } from "./errors.ts";
import { HISTORY_MS, type KnownEvent, LOOKUP_ATTRIBUTES, type Lookup } from "./history.ts";
import type { Input } from "./input.ts";
import { DEFAULT_SELECTORS, type Trail } from "./model.ts";
import { type CloudTrailOperation, type CloudTrailRequest, seconds } from "./request.ts";
import { printSelectors, readSelectors } from "./selector-input.ts";

export const CLOUDTRAIL_OPERATIONS: Readonly<Record<string, CloudTrailOperation>> = {
  LookupEvents: lookupEvents,
  CreateTrail: createTrail,
  DeleteTrail: deleteTrail,
  DescribeTrails: describeTrails,
  GetTrail: getTrail,
  ListTrails: listTrails,
  GetTrailStatus: getTrailStatus,
  StartLogging: startLogging,
  StopLogging: stopLogging,
  PutEventSelectors: putEventSelectors,
  GetEventSelectors: getEventSelectors,
};

const RESULTS_MAX = 50;
const ATTRIBUTES_MAX = 1;

async function lookupEvents(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  request.authorise();
  const { input, nowMs, account, region } = request;
  if (input.has("EventCategory")) {
    // Insights are the only other category, and there are none here.
    throw cloudTrailError("InvalidEventCategoryException", "The lab records management events only.");
  }
  const limit = input.number("MaxResults") ?? RESULTS_MAX;
  if (!Number.isInteger(limit) || limit < 1 || limit > RESULTS_MAX) {
    throw cloudTrailError(
      "InvalidMaxResultsException",
      `A max results value of ${limit} is invalid. Specify max results between 1 and ${RESULTS_MAX}.`,
    );
  }
  const fromMs = millisecondsOf(input, "StartTime") ?? nowMs - HISTORY_MS;
  const toMs = millisecondsOf(input, "EndTime") ?? nowMs;
  if (fromMs > toMs) {
    throw cloudTrailError("InvalidTimeRangeException", "A start time greater than the end time was specified.");
  }
  const attribute = attributeOf(input);
  // A token goes with the parameters that it was given for.
  const digest = hash(
    "sha1",
    JSON.stringify([account, region, input.number("StartTime"), input.number("EndTime"), attribute ?? null]),
  );
  const after = placeOfToken(input.optionalText("NextToken"), digest);
  const found = await request.history.lookup(
    {
      account,
      region,
      fromMs,
      toMs,
      limit: limit + 1,
      ...(attribute === undefined ? {} : { attribute }),
      ...(after === undefined ? {} : { after }),
    },
    nowMs,
  );
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return {
    Events: page.map(printEvent),
    ...(last === undefined ? {} : { NextToken: tokenOf(last, digest) }),
  };
}

function millisecondsOf(input: Input, name: string): number | undefined {
  const value = input.number(name);
  return value === undefined ? undefined : value * 1000;
}

function attributeOf(input: Input): Lookup["attribute"] {
  const given = input.structures("LookupAttributes") ?? [];
  if (given.length > ATTRIBUTES_MAX) {
    throw cloudTrailError("InvalidLookupAttributesException", "You can specify one lookup attribute only.");
  }
  const [first] = given;
  if (first === undefined) return undefined;
  const key = LOOKUP_ATTRIBUTES.find((one) => one === first.optionalText("AttributeKey"));
  const value = first.optionalText("AttributeValue");
  if (key === undefined || value === undefined || value === "") {
    throw cloudTrailError("InvalidLookupAttributesException", "The lookup attribute is not valid.");
  }
  return { key, value };
}

function tokenOf({ atMs, seq }: KnownEvent, digest: string): string {
  return Buffer.from(JSON.stringify([atMs, seq, digest])).toString("base64url");
}

function placeOfToken(token: string | undefined, digest: string): Lookup["after"] {
  if (token === undefined) return undefined;
  const [atMs, seq, given] = parsedToken(token);
  if (typeof atMs !== "number" || typeof seq !== "number" || given !== digest) {
    throw cloudTrailError("InvalidNextTokenException", "The token is invalid, or was made for other parameters.");
  }
  return { atMs, seq };
}

function parsedToken(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function printEvent(event: KnownEvent): Readonly<Record<string, unknown>> {
  return {
    EventId: event.id,
    EventName: event.name,
    ReadOnly: event.readOnly,
    ...(event.accessKeyId === undefined ? {} : { AccessKeyId: event.accessKeyId }),
    EventTime: Math.floor(event.atMs / 1000),
    EventSource: event.source,
    ...(event.username === undefined ? {} : { Username: event.username }),
    Resources: event.resources.map(([ResourceType, ResourceName]) => ({ ResourceType, ResourceName })),
    CloudTrailEvent: event.record,
  };
}

const TRAIL_NAME = /^(?!.*[._-]{2})[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$/;
const TRAILS_PER_REGION_MAX = 5;
const PREFIX_LENGTH_MAX = 200;

async function createTrail(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const { input, trails, account, region, nowMs } = request;
  const name = input.text("Name");
  const arn = request.arnOf(name);
  request.authorise(arn);
  if (!TRAIL_NAME.test(name)) {
    throw cloudTrailError(
      "InvalidTrailNameException",
      `Trail name ${name} is not valid: 3 to 128 letters, digits, '.', '_' and '-'.`,
    );
  }
  refuseUnknown(input);
  const isMultiRegion = input.flag("IsMultiRegionTrail") ?? false;
  const includesGlobalServices = input.flag("IncludeGlobalServiceEvents") ?? true;
  if (isMultiRegion && !includesGlobalServices) {
    throw cloudTrailError(
      "InvalidParameterCombinationException",
      "Multi-Region trail must include global service events.",
    );
  }
  const prefix = input.optionalText("S3KeyPrefix");
  if ((prefix?.length ?? 0) > PREFIX_LENGTH_MAX) {
    throw cloudTrailError("InvalidS3PrefixException", `A prefix has at most ${PREFIX_LENGTH_MAX} characters.`);
  }
  const trail: Trail = {
    arn,
    name,
    account,
    homeRegion: region,
    bucket: input.text("S3BucketName"),
    ...(prefix === undefined || prefix === "" ? {} : { prefix }),
    isMultiRegion,
    includesGlobalServices,
    logFileValidation: input.flag("EnableLogFileValidation") ?? false,
    isLogging: false,
    selectors: DEFAULT_SELECTORS,
  };
  trails.requireBucket(trail, nowMs);
  await trails.change(() => {
    if (trails.records.get(arn) !== undefined) {
      throw cloudTrailError("TrailAlreadyExistsException", `Trail ${name} already exists for customer: ${account}`);
    }
    if (request.seen().length >= TRAILS_PER_REGION_MAX) {
      throw cloudTrailError(
        "MaximumNumberOfTrailsExceededException",
        `User: ${account} already has ${TRAILS_PER_REGION_MAX} trails in ${region}.`,
      );
    }
    return [undefined, trails.records.put(trail)];
  });
  return printTrail(trail);
}

/** What a trail of the lab cannot do is refused rather than forgotten. */
function refuseUnknown(input: Input): void {
  if (input.flag("IsOrganizationTrail") === true) {
    throw cloudTrailError("UnsupportedOperationException", "The lab has no organization trails.");
  }
  for (const name of ["SnsTopicName", "CloudWatchLogsLogGroupArn", "KmsKeyId"]) {
    if (input.has(name)) throw cloudTrailError("UnsupportedOperationException", `The lab's trails know no ${name}.`);
  }
}

function printTrail(trail: Trail): Readonly<Record<string, unknown>> {
  return {
    Name: trail.name,
    S3BucketName: trail.bucket,
    ...(trail.prefix === undefined ? {} : { S3KeyPrefix: trail.prefix }),
    IncludeGlobalServiceEvents: trail.includesGlobalServices,
    IsMultiRegionTrail: trail.isMultiRegion,
    TrailARN: trail.arn,
    LogFileValidationEnabled: trail.logFileValidation,
    IsOrganizationTrail: false,
  };
}

function describeTrail(trail: Trail): Readonly<Record<string, unknown>> {
  const { selectors } = trail;
  const hasCustomEventSelectors = selectors.kind === "advanced" || selectors !== DEFAULT_SELECTORS;
  const HasCustomEventSelectors =
    hasCustomEventSelectors && JSON.stringify(selectors) !== JSON.stringify(DEFAULT_SELECTORS);
  return { ...printTrail(trail), HomeRegion: trail.homeRegion, HasCustomEventSelectors, HasInsightSelectors: false };
}

async function deleteTrail(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const { trails } = request;
  const trail = request.ownTrail("Name");
  await trails.change(() => [undefined, trails.records.remove(trail)]);
  return {};
}

async function describeTrails(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  request.authorise();
  const names = request.input.texts("trailNameList") ?? [];
  const seen = request.seen(request.input.flag("includeShadowTrails") ?? true);
  const wanted =
    names.length === 0 ? seen : seen.filter(({ name, arn }) => names.includes(name) || names.includes(arn));
  return { trailList: wanted.map(describeTrail) };
}

async function getTrail(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  return { Trail: describeTrail(request.trail("Name")) };
}

/** All Regions' trails. There are too few for pages. */
async function listTrails(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  request.authorise();
  const own = [...request.trails.records.values()].filter((one) => one.account === request.account);
  return { Trails: own.map(({ arn, name, homeRegion }) => ({ TrailARN: arn, Name: name, HomeRegion: homeRegion })) };
}

async function getTrailStatus(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const trail = request.trail("Name");
  const { startedMs, stoppedMs } = trail;
  const state = request.trails.stateOf(trail);
  const times = {
    LatestDeliveryTime: state?.succeededMs,
    LatestDeliveryAttemptTime: state?.attemptedMs,
    LatestDeliveryAttemptSucceeded: state?.succeededMs,
    StartLoggingTime: startedMs,
    StopLoggingTime: stoppedMs,
  };
  const iso = (ms: number | undefined): string =>
    ms === undefined ? "" : `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return {
    IsLogging: trail.isLogging,
    ...(state?.error === undefined ? {} : { LatestDeliveryError: state.error }),
    ...(times.LatestDeliveryTime === undefined ? {} : { LatestDeliveryTime: seconds(times.LatestDeliveryTime) }),
    ...(startedMs === undefined ? {} : { StartLoggingTime: seconds(startedMs) }),
    ...(stoppedMs === undefined ? {} : { StopLoggingTime: seconds(stoppedMs) }),
    LatestDeliveryAttemptTime: iso(times.LatestDeliveryAttemptTime),
    LatestDeliveryAttemptSucceeded: iso(times.LatestDeliveryAttemptSucceeded),
    LatestNotificationAttemptTime: "",
    LatestNotificationAttemptSucceeded: "",
    TimeLoggingStarted: iso(startedMs),
    TimeLoggingStopped: iso(stoppedMs),
  };
}

async function startLogging(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const { nowMs } = request;
  const trail = request.ownTrail("Name");
  await replace(request, trail, { isLogging: true, startedMs: nowMs });
  return {};
}

async function stopLogging(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const { nowMs } = request;
  const trail = request.ownTrail("Name");
  await replace(request, trail, { isLogging: false, stoppedMs: nowMs });
  return {};
}

async function putEventSelectors(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const trail = request.ownTrail("TrailName");
  const selectors = readSelectors(request.input);
  await replace(request, trail, { selectors });
  return { TrailARN: trail.arn, ...printSelectors(selectors) };
}

async function getEventSelectors(request: CloudTrailRequest): Promise<Readonly<Record<string, unknown>>> {
  const trail = request.trail("TrailName");
  return { TrailARN: trail.arn, ...printSelectors(trail.selectors) };
}

async function replace({ trails }: CloudTrailRequest, { arn }: Trail, change: Partial<Trail>): Promise<void> {
  await trails.change(() => {
    const now = trails.records.get(arn);
    if (now === undefined) throw cloudTrailError("TrailNotFoundException", `Unknown trail: ${arn}`);
    return [undefined, trails.records.put({ ...now, ...change })];
  });
}
