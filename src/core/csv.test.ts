import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CsvError, fieldsOf, lineOf } from "./csv.ts";

describe("a line of CSV", () => {
  it("is read as it was written, with empty fields first, last and alone", () => {
    for (const fields of [["", 'a"b'], ["", "", "x,y"], ["a,", ""], [""], ['"', ""], ["", '"']]) {
      assert.deepEqual(fieldsOf(lineOf(fields).slice(0, -1)), fields);
    }
    const field = fc.string({ unit: fc.constantFrom('"', ",", "a", "ü", " ") });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        assert.deepEqual(fieldsOf(lineOf(fields).slice(0, -1)), fields);
      }),
    );
  });

  it("is refused where a quote is not closed, in whatever column", () => {
    for (const [line, column] of [
      ['"a', 1],
      [',"a', 2],
      [',FAILED,"', 3],
      ['"a"b,c', 1],
    ] as const) {
      assert.throws(() => fieldsOf(line), new CsvError(`A quote is not closed in column ${column}`));
    }
  });

  it("ends, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ",", "a") }), (line) => {
        try {
          assert.ok(fieldsOf(line).length <= line.length + 1);
        } catch (error) {
          assert.ok(error instanceof CsvError);
        }
      }),
    );
  });
});
