import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { childText, escapeXml, printXml, type XmlNode } from "../core/xml.ts";
import { parseXml, XmlError, type XmlProblem } from "./xml.ts";

function refused(text: string, problem: XmlProblem, limits = {}): void {
  assert.throws(
    () => parseXml(text, limits),
    (error) => error instanceof XmlError && error.problem === problem,
    `${text.slice(0, 60)} is refused as ${problem}`,
  );
}

test("a document becomes a tree without namespaces, attributes and indentation", () => {
  const tree = parseXml(`<?xml version="1.0" encoding="UTF-8"?>
    <a:Result xmlns:a="http://s3.amazonaws.com/doc/2006-03-01/" at="1">
      <Key>a &amp; b</Key>
      <Empty/>
    </a:Result>`);
  assert.deepEqual(tree, {
    name: "Result",
    text: "",
    children: [
      { name: "Key", text: "a & b", children: [] },
      { name: "Empty", text: "", children: [] },
    ],
  });
});

test("text of a leaf is kept to the blank, and is never a number", () => {
  const tree = parseXml("<a><k> 007 </k><n>&#13;&#x41;</n><w>  </w><c><![CDATA[<x> & ]]></c></a>");
  assert.equal(childText(tree, "k"), " 007 ");
  assert.equal(childText(tree, "n"), "\rA");
  assert.equal(childText(tree, "w"), "  ");
  assert.equal(childText(tree, "c"), "<x> & ");
});

test("white space in front of the document is let pass", () => {
  assert.equal(parseXml(`\n \n<?xml version="1.0"?><a/>`).name, "a");
});

test("what is not well-formed or was cut off is refused", () => {
  const bad = ["", "   ", "hello", "<a>", "<a></b>", "<a", "<a/><b/>", "<a>&nbsp;</a>", "<a>\u0001</a>", "<a>&x</a>"];
  for (const text of bad) refused(text, "malformed");
  const whole = "<Result><Key>one</Key><Key>two</Key></Result>";
  for (let length = 0; length < whole.length; length++) refused(whole.slice(0, length), "malformed");
});

test("a DOCTYPE is refused, so that no entity is ever expanded", () => {
  refused(`<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>`, "doctype");
  refused("<!DOCTYPE html><html></html>", "doctype");
});

test("half of a surrogate pair is refused wherever it stands", () => {
  for (const text of ["<a>\ud800</a>", "<a b='\udc00'/>", "<a/><!\ud800", "<a><![C\ud800", "\ud800"])
    refused(text, "malformed");
  assert.equal(parseXml("<a>\u{1f600}</a>").text, "\u{1f600}");
});

test("depth and length have limits", () => {
  assert.equal(parseXml("<a><b><c/></b></a>", { depthMax: 3 }).name, "a");
  refused("<a><b><c/></b></a>", "too-deep", { depthMax: 2 });
  refused(`${"<a>".repeat(40)}${"</a>".repeat(40)}`, "too-deep");
  refused("<a>12345678</a>", "too-large", { lengthMax: 14 });
  assert.equal(parseXml("<a>12345678</a>", { lengthMax: 15 }).text, "12345678");
});

test("what core prints is read back the same", () => {
  // XML 1.0 cannot hold control characters, nor U+FFFE and U+FFFF.
  const holdable = (text: string) => /^[\t\n\r\u0020-\ufffd\u{10000}-\u{10ffff}]*$/u.test(text);
  const text = fc.string({ unit: "binary", maxLength: 20 }).filter(holdable);
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,8}$/);
  const node = fc.letrec((tie) => ({
    node: fc.tuple(name, fc.oneof({ maxDepth: 4 }, text, fc.array(tie("node"), { minLength: 1, maxLength: 3 }))),
  })).node as fc.Arbitrary<XmlNode & object>;
  fc.assert(
    fc.property(node, (tree) => {
      const again = (one: ReturnType<typeof parseXml>): XmlNode & object =>
        one.children.length === 0 ? [one.name, one.text] : [one.name, one.children.map(again)];
      assert.deepEqual(again(parseXml(printXml(tree, "http://example.com/"))), tree);
    }),
    { numRuns: 200 },
  );
  assert.equal(parseXml(`<a>${escapeXml(`"<&>\r\n`)}</a>`).text, `"<&>\r\n`);
});

test("whatever is damaged in a document, it is read or refused, and never anything else", () => {
  const document =
    `<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>` +
    "<Version><Key>a&amp;b</Key><Size>1</Size></Version><Empty/><!-- c --><![CDATA[d]]></ListVersionsResult>";
  const piece = fc.constantFrom(
    "<",
    ">",
    "&",
    ";",
    "/",
    "<!--",
    "]]>",
    "<!DOCTYPE a>",
    "<a>",
    "&#0;",
    "\u0000",
    "\ud800",
  );
  const wound = fc.record({ at: fc.nat(document.length), length: fc.nat(30), by: fc.oneof(piece, fc.string()) });
  fc.assert(
    fc.property(fc.array(wound, { minLength: 1, maxLength: 5 }), (wounds) => {
      const text = wounds.reduce((all, { at, length, by }) => all.slice(0, at) + by + all.slice(at + length), document);
      try {
        assert.ok(parseXml(text).name.length > 0);
      } catch (error) {
        assert.ok(error instanceof XmlError, String(error));
        assert.ok(error.message.length < 1000);
      }
    }),
    { numRuns: 500 },
  );
});
