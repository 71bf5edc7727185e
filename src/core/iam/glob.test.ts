import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ANY_ONE, ANY_TEXT, compileGlob, type GlobPart, matchesGlob } from "./glob.ts";

/** The textbook definition, by recursion. */
function matchesByDefinition(parts: readonly GlobPart[], text: string): boolean {
  const [first, ...rest] = parts;
  if (first === undefined) return text === "";
  if (first === ANY_TEXT) {
    return matchesByDefinition(rest, text) || (text !== "" && matchesByDefinition(parts, text.slice(1)));
  }
  if (first === ANY_ONE) return text !== "" && matchesByDefinition(rest, text.slice(1));
  return typeof first === "string" && text.startsWith(first) && matchesByDefinition(rest, text.slice(first.length));
}

describe("a glob", () => {
  it("matches as its definition says", () => {
    const part = fc.constantFrom<GlobPart>("a", "b", "ab", "*", "?", ANY_TEXT, ANY_ONE, ANY_TEXT);
    const parts = fc.array(part, { maxLength: 7 });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 9 });
    let matched = 0;
    fc.assert(
      fc.property(parts, text, (pattern, candidate) => {
        const expected = matchesByDefinition(pattern, candidate);
        if (expected) matched += 1;
        assert.equal(matchesGlob(compileGlob(pattern), candidate), expected);
      }),
      { numRuns: 5000 },
    );
    assert.ok(matched > 200, `only ${matched} matched`);
  });

  it("of no parts matches the empty text only", () => {
    assert.equal(matchesGlob(compileGlob([]), ""), true);
    assert.equal(matchesGlob(compileGlob([]), "a"), false);
  });

  it("does not use the same character for what stands before and after a star", () => {
    assert.equal(matchesGlob(compileGlob(["ab", ANY_TEXT, "ba"]), "aba"), false);
    assert.equal(matchesGlob(compileGlob(["ab", ANY_TEXT, "ba"]), "abba"), true);
  });

  it("takes stars and question marks in a text part literally", () => {
    assert.equal(matchesGlob(compileGlob(["*?"]), "ab"), false);
    assert.equal(matchesGlob(compileGlob(["*?", ANY_ONE]), "*?c"), true);
  });
});
