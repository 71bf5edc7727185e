import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromHeaderText, toHeaderText } from "./header-text.ts";

test("any text comes back as it was sent, under both customs", () => {
  // Headers cannot carry control characters, nor white space at their ends.
  const text = fc.string({ unit: "binary", maxLength: 20 }).map((one) => one.replace(/\p{Cc}/gu, "").trim());
  fc.assert(
    fc.property(text, fc.constantFrom("rfc2047", "utf-8"), (one, custom) => {
      const wire = toHeaderText(one, custom);
      assert.match(wire, /^[\t -~\u0080-\u00ff]*$/);
      assert.equal(fromHeaderText(wire, custom), one);
    }),
    { numRuns: 300 },
  );
});

test("ASCII is sent as it is", () => {
  assert.equal(toHeaderText('a "b" =?x', "rfc2047"), 'a "b" =?x');
  assert.equal(fromHeaderText("=?x?=", "rfc2047"), "=?x?=");
});

test("words of RFC 2047 are read in both encodings, several of them joined byte by byte", () => {
  const read = (wire: string) => fromHeaderText(wire, "rfc2047");
  assert.equal(read("=?UTF-8?Q?gr=C3=BCn_und_=5F?="), "grün und _");
  assert.equal(read("=?utf-8?b?Z3LDvG4=?="), "grün");
  assert.equal(read("=?UTF-8?B?4pw=?=  =?UTF-8?B?kw==?="), "✓");
  assert.equal(read("=?ISO-8859-1?Q?gr=FCn?="), "grün");
  assert.equal(read("=?KOI8-R?B?xMU=?="), "=?KOI8-R?B?xMU=?=");
  assert.equal(read("before =?UTF-8?Q?x?="), "before =?UTF-8?Q?x?=");
});

test("a store that keeps bytes is not asked for words", () => {
  assert.equal(fromHeaderText("=?UTF-8?B?4pyT?=", "utf-8"), "=?UTF-8?B?4pyT?=");
  assert.equal(fromHeaderText("\u00fc", "utf-8"), "ü");
  assert.equal(fromHeaderText("\u00c3\u00bc", "utf-8"), "ü");
  assert.equal(fromHeaderText("\u00ef\u00bf\u00bd", "utf-8"), "\ufffd");
});
