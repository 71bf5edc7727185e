import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { keyIdOfEnvelope, openEnvelope, sealEnvelope } from "./envelope.ts";

const keyId = "12345678-9abc-4def-8123-456789abcdef";
const material = createSecretKey(randomBytes(32));
const contexts = fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 });

describe("ciphertext of KMS", () => {
  it("opens under the same context in any order, and names its key", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), contexts, (plaintext, context) => {
        const blob = sealEnvelope({ keyId, material }, plaintext, context);
        const reversed = Object.fromEntries(Object.entries(context).reverse());
        assert.equal(keyIdOfEnvelope(blob), keyId);
        assert.deepEqual(Buffer.from(openEnvelope(blob, material, reversed) ?? []), Buffer.from(plaintext));
      }),
      { numRuns: 200 },
    );
  });

  it("does not open under another context, whatever its keys and values hold", () => {
    const canonical = (context: Record<string, string>) =>
      JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)));
    fc.assert(
      fc.property(contexts, contexts, (sealed, tried) => {
        fc.pre(canonical(sealed) !== canonical(tried));
        const blob = sealEnvelope({ keyId, material }, Buffer.from("x"), sealed);
        assert.equal(openEnvelope(blob, material, tried), undefined);
      }),
      { numRuns: 200 },
    );
    const blob = sealEnvelope({ keyId, material }, Buffer.from("x"), { a: 'b","c' });
    assert.equal(openEnvelope(blob, material, { a: "b", c: "" }), undefined);
  });

  it("does not open when any of its bytes was changed, the named key's included", () => {
    const blob = sealEnvelope({ keyId, material }, Buffer.from("secret"), { a: "b" });
    for (let at = 0; at < blob.length; at++) {
      const changed = Uint8Array.from(blob);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(openEnvelope(changed, material, { a: "b" }), undefined);
    }
  });

  it("is recognised by its version and length", () => {
    assert.equal(keyIdOfEnvelope(Buffer.alloc(0)), undefined);
    assert.equal(keyIdOfEnvelope(Buffer.alloc(44, 1)), undefined);
    assert.equal(keyIdOfEnvelope(Buffer.alloc(100, 2)), undefined);
  });
});
