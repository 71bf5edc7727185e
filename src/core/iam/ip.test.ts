import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ipRangeHolds, parseIpRange } from "./ip.ts";

function holds(range: string, address: string): boolean {
  const [outer, inner] = [parseIpRange(range), parseIpRange(address)];
  assert.ok(outer !== undefined && inner !== undefined, `${range} and ${address} are ranges`);
  return ipRangeHolds(outer, inner);
}

describe("addresses and ranges", () => {
  it("are compared as Node compares them", () => {
    const near = fc.tuple(fc.ipV4(), fc.nat(255)).map(([address, last]) => address.replace(/\d+$/, String(last)));
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), near),
        fc.integer({ min: 0, max: 32 }),
        fc.ipV4(),
        fc.nat(32),
        (network, bits, other, flipped) => {
          // Half of the addresses are neighbours of the network, so that both answers occur.
          const address = flipped % 2 === 0 ? other : network.replace(/\d+$/, String(flipped));
          const list = new BlockList();
          list.addSubnet(network, bits, "ipv4");
          assert.equal(holds(`${network}/${bits}`, address), list.check(address, "ipv4"));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("of IPv6 are compared as Node compares them", () => {
    fc.assert(
      fc.property(
        fc.ipV6(),
        fc.integer({ min: 0, max: 128 }),
        fc.ipV6(),
        fc.boolean(),
        (network, bits, other, same) => {
          const address = same ? network : other;
          fc.pre(!network.includes(".") && !address.includes("."));
          const list = new BlockList();
          list.addSubnet(network, bits, "ipv6");
          assert.equal(holds(`${network}/${bits}`, address), list.check(address, "ipv6"));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("are what Node takes for addresses", () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom("0", "1", "f", ":", "."), maxLength: 20 }),
    );
    fc.assert(
      fc.property(text, (candidate) =>
        assert.equal(parseIpRange(candidate) !== undefined, isIP(candidate) !== 0, candidate),
      ),
      { numRuns: 3000 },
    );
  });

  it("are cut at any bit, not only between groups", () => {
    assert.equal(holds("10.128.0.0/9", "10.200.0.1"), true);
    assert.equal(holds("10.128.0.0/9", "10.100.0.1"), false);
    assert.equal(holds("2001:db8:8000::/33", "2001:db8:ffff::1"), true);
    assert.equal(holds("2001:db8:8000::/33", "2001:db8:7fff::1"), false);
  });

  it("of a whole range lie in a wider one, and not in a narrower one", () => {
    assert.equal(holds("10.0.0.0/8", "10.1.0.0/16"), true);
    assert.equal(holds("10.1.0.0/16", "10.0.0.0/8"), false);
    assert.equal(holds("10.1.0.0/16", "10.1.0.0/16"), true);
  });

  it("of IPv4 in IPv6 form are IPv4, from the prefix that means all of them", () => {
    assert.equal(holds("::ffff:192.0.2.0/120", "192.0.2.7"), true);
    assert.equal(holds("::ffff:0:0/96", "198.51.100.1"), true);
    assert.equal(holds("::fffe:192.0.2.0/120", "192.0.2.7"), false);
    assert.equal(holds("1::ffff:192.0.2.0/120", "192.0.2.7"), false);
    assert.equal(holds("192.0.2.0/24", "::ffff:c000:207"), true);
  });

  it("with a prefix that is too long, empty or no number are refused", () => {
    for (const text of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/a", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "/8"]) {
      assert.equal(parseIpRange(text), undefined, text);
    }
  });
});
