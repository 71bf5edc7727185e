import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printXml, type XmlElement, type XmlNode } from "../core/xml.ts";
import { parsePlainXml } from "./plain-xml.ts";
import { parseXml, XmlError } from "./xml.ts";

/** The reader of all XML; asked for offsets it does not use the quick one. */
function thoroughly(text: string): XmlElement | undefined {
  try {
    return parseXml(text, { offsets: new Map() });
  } catch (error) {
    assert.ok(error instanceof XmlError);
    return undefined;
  }
}

test("what stores send is plain, and read as the reader of all XML reads it", () => {
  const document =
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n` +
    "<Name>b</Name><Prefix/><Version><Key>a&amp;b</Key><Owner><ID>x</ID></Owner></Version>\n" +
    "<DeleteMarker><Key> &quot;</Key></DeleteMarker></ListVersionsResult>\n";
  const found = parsePlainXml(document, 32);
  assert.ok(found !== undefined);
  assert.deepEqual(found, thoroughly(document));
});

test("documents that are printed here are read by both readers alike", () => {
  const name = fc.constantFrom("Key", "Version", "ID");
  const node = fc.letrec<{ node: XmlNode }>((tie) => ({
    node: fc.tuple(
      name,
      fc.oneof({ depthSize: "small" }, fc.string({ unit: "grapheme" }), fc.array(tie("node"), { maxLength: 4 })),
    ) as fc.Arbitrary<XmlNode>,
  })).node;
  fc.assert(
    fc.property(node, (one) => {
      assert.ok(one !== undefined);
      const text = printXml(one);
      const plain = parsePlainXml(text, 32);
      if (plain !== undefined) assert.deepEqual(plain, thoroughly(text));
    }),
  );
});

test("whatever the quick reader takes, right or wrong, the thorough one reads the same", () => {
  const piece = fc.constantFrom(
    "<a>",
    "</a>",
    "<b>",
    "</b>",
    "<a/>",
    "text",
    " ",
    "\n",
    "\r",
    "&amp;",
    "&#65;",
    "&x;",
    "&",
    "<![CDATA[x]]>",
    "]]>",
    "<!-- c -->",
    "<?p?>",
    "<p:a>",
    "</p:a>",
    ' xmlns="u"',
    '<a xmlns="u">',
    "<",
    ">",
    "\u0000",
    "\ud800",
    "é",
    "😀",
    '<?xml version="1.0"?>',
    "<!DOCTYPE a>",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      for (const text of [pieces.join(""), `<a>${pieces.join("")}</a>`]) {
        const plain = parsePlainXml(text, 32);
        if (plain !== undefined) assert.deepEqual(plain, thoroughly(text), text);
      }
    }),
    { numRuns: 2000 },
  );
});

test("what is nested too deep is left to the thorough reader", () => {
  assert.equal(parsePlainXml("<a><a><a></a></a></a>", 2), undefined);
});
