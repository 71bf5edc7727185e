/**
 * Event selectors as they come over the wire, and back.
 *
 * @source AWS CloudTrail API Reference, PutEventSelectors: the limits and the fields
 */
import { cloudTrailError } from "./errors.ts";
import type { Input } from "./input.ts";
import {
  type AdvancedSelector,
  type BasicSelector,
  FIELD_OPERATORS,
  type FieldSelector,
  OBJECT_TYPE,
  type TrailSelectors,
} from "./model.ts";
import { SELECTABLE_FIELDS } from "./selectors.ts";

const BASIC_MAX = 5;
const DATA_VALUES_MAX = 250;
const ADVANCED_VALUES_MAX = 500;
const READ_WRITE_TYPES = ["All", "ReadOnly", "WriteOnly"] as const;
const OBJECT_VALUE = /^arn:aws:s3(?:$|:::[^/]+\/)/;

/** @throws ServiceError InvalidEventSelectorsException */
export function readSelectors(input: Input): TrailSelectors {
  const basic = input.structures("EventSelectors");
  const advanced = input.structures("AdvancedEventSelectors");
  if ((basic === undefined) === (advanced === undefined)) {
    throw invalid("Specify either EventSelectors or AdvancedEventSelectors.");
  }
  if (advanced !== undefined) return { kind: "advanced", selectors: readAdvanced(advanced) };
  if (basic === undefined || basic.length > BASIC_MAX) throw invalid(`A trail has up to ${BASIC_MAX} event selectors.`);
  const selectors = basic.map(readBasic);
  const values = selectors.flatMap((one) => one.DataResources.flatMap(({ Values }) => Values));
  if (values.length > DATA_VALUES_MAX) throw invalid(`A trail has up to ${DATA_VALUES_MAX} data resources.`);
  return { kind: "basic", selectors };
}

export function printSelectors({ kind, selectors }: TrailSelectors): Readonly<Record<string, unknown>> {
  return kind === "basic" ? { EventSelectors: selectors } : { AdvancedEventSelectors: selectors };
}

function readBasic(input: Input): BasicSelector {
  const type = input.optionalText("ReadWriteType") ?? "All";
  const ReadWriteType = READ_WRITE_TYPES.find((one) => one === type);
  if (ReadWriteType === undefined) throw invalid(`${type} is not a valid ReadWriteType.`);
  const DataResources = (input.structures("DataResources") ?? []).map((one) => {
    const Type = one.optionalText("Type") ?? "";
    const Values = one.texts("Values") ?? [];
    if (Type !== OBJECT_TYPE) throw invalid(`The lab records data events of ${OBJECT_TYPE} only.`);
    const wrong = Values.find((value) => !OBJECT_VALUE.test(value));
    if (wrong !== undefined) throw invalid(`Value ${wrong} for DataResources.Values is invalid.`);
    return { Type, Values };
  });
  return {
    ReadWriteType,
    IncludeManagementEvents: input.flag("IncludeManagementEvents") ?? true,
    DataResources,
    ExcludeManagementEventSources: input.texts("ExcludeManagementEventSources") ?? [],
  };
}

function readAdvanced(inputs: readonly Input[]): AdvancedSelector[] {
  const selectors = inputs.map((input): AdvancedSelector => {
    const name = input.optionalText("Name");
    const FieldSelectors = (input.structures("FieldSelectors") ?? []).map(readField);
    const category = FieldSelectors.find((one) => one.Field === "eventCategory")?.Equals;
    if (category?.length !== 1 || !["Data", "Management"].includes(category[0] ?? "")) {
      throw invalid("Every selector needs eventCategory, which equals Data or Management.");
    }
    const isData = category[0] === "Data";
    const types = FieldSelectors.find((one) => one.Field === "resources.type")?.Equals;
    if (isData && (types?.length !== 1 || types[0] !== OBJECT_TYPE)) {
      throw invalid(`The lab records data events of ${OBJECT_TYPE} only: resources.type has to equal it.`);
    }
    return { ...(name === undefined ? {} : { Name: name }), FieldSelectors };
  });
  const values = selectors.flatMap((one) =>
    one.FieldSelectors.flatMap((field) => FIELD_OPERATORS.flatMap((operator) => field[operator] ?? [])),
  );
  if (values.length > ADVANCED_VALUES_MAX) {
    throw invalid(`The conditions of a trail have up to ${ADVANCED_VALUES_MAX} values.`);
  }
  return selectors;
}

function readField(input: Input): FieldSelector {
  const Field = input.optionalText("Field") ?? "";
  if (!SELECTABLE_FIELDS.has(Field)) throw invalid(`The field ${Field} is not valid.`);
  const conditions = FIELD_OPERATORS.flatMap((operator) => {
    const values = input.texts(operator);
    return values === undefined || values.length === 0 ? [] : [[operator, values] as const];
  });
  if (conditions.length === 0) throw invalid(`The field ${Field} has no condition.`);
  return { Field, ...Object.fromEntries(conditions) };
}

function invalid(message: string): Error {
  return cloudTrailError("InvalidEventSelectorsException", message);
}
