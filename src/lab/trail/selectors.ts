/**
 * Which events a trail takes. Pure.
 *
 * @source https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
 */
import {
  type AdvancedSelector,
  type BasicSelector,
  FIELD_OPERATORS,
  type FieldOperator,
  type FieldSelector,
  OBJECT_TYPE,
  type Trail,
  type TrailEvent,
  type TrailSelectors,
} from "./model.ts";

/** Whether the trail is to deliver the event. Does not ask whether it is logging. */
export function takesEvent(trail: Trail, event: TrailEvent): boolean {
  if (trail.account !== event.account) return false;
  if (event.isGlobal ? !trail.includesGlobalServices : !trail.isMultiRegion && trail.homeRegion !== event.region) {
    return false;
  }
  const { selectors } = trail;
  return selectors.kind === "basic"
    ? selectors.selectors.some((one) => basicTakes(one, event))
    : selectors.selectors.some((one) => advancedTakes(one, event));
}

/** Whether any event of objects can be taken: without one, requests for objects need no look at all. */
export function takesData({ kind, selectors }: TrailSelectors): boolean {
  return kind === "basic"
    ? selectors.some((one) => one.DataResources.length > 0)
    : selectors.some((one) => one.FieldSelectors.some(isForData));
}

function isForData({ Field, Equals }: FieldSelector): boolean {
  return Field === "eventCategory" && Equals?.includes("Data") === true;
}

function basicTakes(selector: BasicSelector, event: TrailEvent): boolean {
  const { ReadWriteType } = selector;
  if (ReadWriteType !== "All" && (ReadWriteType === "ReadOnly") !== event.readOnly) return false;
  if (event.category === "Management") {
    return selector.IncludeManagementEvents && !selector.ExcludeManagementEventSources.includes(event.source);
  }
  const { objectArn = "" } = event;
  return selector.DataResources.some(
    ({ Type, Values }) => Type === OBJECT_TYPE && Values.some((value) => objectArn.startsWith(value)),
  );
}

/** All fields have to fit; an event without a field fits no selector that names it. */
function advancedTakes({ FieldSelectors }: AdvancedSelector, event: TrailEvent): boolean {
  return FieldSelectors.every((one) => {
    const value = fieldOf(event, one.Field);
    return value !== undefined && fieldFits(one, value);
  });
}

/** Fields that advanced selectors may name. */
export const SELECTABLE_FIELDS: ReadonlySet<string> = new Set([
  "eventCategory",
  "eventName",
  "eventSource",
  "eventType",
  "readOnly",
  "resources.ARN",
  "resources.type",
  "sessionCredentialFromConsole",
  "userIdentity.arn",
]);

function fieldOf(event: TrailEvent, field: string): string | undefined {
  switch (field) {
    case "eventCategory":
      return event.category;
    case "eventName":
      return event.name;
    case "eventSource":
      return event.source;
    case "eventType":
      return "AwsApiCall";
    case "readOnly":
      return String(event.readOnly);
    case "resources.ARN":
      return event.objectArn;
    case "resources.type":
      return event.objectArn === undefined ? undefined : OBJECT_TYPE;
    case "userIdentity.arn":
      return event.userArn;
    default:
      return undefined;
  }
}

const FITS: Readonly<Record<FieldOperator, (value: string, wanted: readonly string[]) => boolean>> = {
  Equals: (value, wanted) => wanted.includes(value),
  StartsWith: (value, wanted) => wanted.some((one) => value.startsWith(one)),
  EndsWith: (value, wanted) => wanted.some((one) => value.endsWith(one)),
  NotEquals: (value, wanted) => !wanted.includes(value),
  NotStartsWith: (value, wanted) => !wanted.some((one) => value.startsWith(one)),
  NotEndsWith: (value, wanted) => !wanted.some((one) => value.endsWith(one)),
};

function fieldFits(selector: FieldSelector, value: string): boolean {
  return FIELD_OPERATORS.every((operator) => {
    const wanted = selector[operator];
    return wanted === undefined || FITS[operator](value, wanted);
  });
}
