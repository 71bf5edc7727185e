import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { repeatedMembers } from "./json-members.ts";

describe("repeated members", () => {
  it("are found with their places", () => {
    const json = '{"a": [{"b": 1}, {"b": {"c": 1, "c" : 2}, "b": 3}], "a": []}';
    assert.deepEqual(repeatedMembers(json), [["a", 1, "b", "c"], ["a", 1, "b"], ["a"]]);
  });

  it("are found whatever way their names are escaped", () => {
    assert.deepEqual(repeatedMembers('{"\\u0061": 1, "a": 2}'), [["a"]]);
    assert.deepEqual(repeatedMembers('{"\\"": 1, "\\"": 2}'), [['"']]);
  });

  it("are not confused by texts that look like JSON", () => {
    assert.deepEqual(repeatedMembers('{"a": "{\\"a\\": 1, \\"a\\": 2}", "b": ["a", "a", ",", "}"], "c": "a"}'), []);
  });

  it("in different objects are none", () => {
    assert.deepEqual(repeatedMembers('[{"a": 1}, {"a": 1}, {"b": {"a": 1}, "a": [{"a": {}}]}]'), []);
  });

  it("are found below empty objects and lists", () => {
    assert.deepEqual(repeatedMembers('{"a": {}, "b": [], "c": [[], {}, {"d": 1, "d": 2}]}'), [["c", 2, "d"]]);
  });

  it("are never found in what JSON.stringify prints", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => assert.deepEqual(repeatedMembers(JSON.stringify(value, null, 1)), [])),
    );
  });
});
