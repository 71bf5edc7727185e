/** `lockstep run` from one gateway to another: every kind of object, under every kind of name, in order, once. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { replication } from "../e2e/two-stores.ts";
import { Chance } from "../sim/chance.ts";
import { RunWorld, writeSome } from "./run-world.ts";

const MIB = 1024 * 1024;
const SIZES = [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1];

/** Each is one that some program or other has got wrong. */
const KEYS = [
  "sp ace",
  " both ends ",
  "pl+us",
  "per%cent",
  "%2F%00",
  "100%25",
  "question?mark=1&amp;",
  "hash#tag",
  "semi;colon:and,comma@at$",
  "quotes\"and'single",
  "<b>&lt;</b>",
  "]]>",
  "back\\slash",
  "tilde~star*bar|caret^tick`",
  "dir/",
  "dir/file",
  "x//y",
  "//",
  "/leading",
  ".",
  "..",
  "a/../b",
  "a/./b",
  "../up",
  "_under",
  "__double",
  "_multipart_x",
  "ümlaut",
  "u\u0308mlaut",
  "日本語/キー",
  "\u{1f388}",
  "\u{1f468}\u200d\u{1f469}",
  "\uffee before astral",
  "\u{10000} astral",
  "tab\tin",
  "line\nfeed",
  "return\rin",
  "delete\u007f",
  "k".repeat(1024),
  "\u{1f388}".repeat(256),
];

describe("run between two gateways", () => {
  let world: RunWorld;
  before(async () => {
    world = await RunWorld.open();
  });
  after(() => world?.close());

  it("copies objects of every size with their metadata, tags, parts and markers, once", async () => {
    const { stores } = world;
    await stores.bucket("sizes");
    for (const size of SIZES) await world.put("here", "sizes", `size/${size}`, Buffer.alloc(size, size % 251));
    const described = {
      contentHeaders: {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-cache, max-age=0",
        "content-disposition": 'attachment; filename="a b.txt"',
        "content-encoding": "gzip",
        "content-language": "de, en",
        expires: "Thu, 01 Jan 2037 00:00:00 GMT",
      },
      userMetadata: { colour: "grün", empty: "x", "with-dash": "a=b; c" },
      tags: [
        { key: "ä b", value: "c+d@e" },
        { key: "empty", value: "" },
      ],
    };
    await world.put("here", "sizes", "described", "x", described);
    await world.upload("here", "sizes", "parts", Buffer.alloc(11 * MIB + 1, 7), described);
    await world.upload("here", "sizes", "one part", Buffer.alloc(100, 7));
    await world.put("here", "sizes", "deleted", "x");
    for (const key of ["deleted", "never there"]) await stores.here.deleteObject({ bucket: "sizes", key });
    await world.put("here", "sizes", "deleted", "again");
    const path = stores.configure("sizes", replication("sizes"));
    const { completed, failed } = await world.once(path);
    assert.deepEqual([completed, failed], [SIZES.length + 7, 0]);
    await world.same("sizes");
    const again = await world.once(path);
    assert.deepEqual([again.completed, again.scans[0]?.added, again.scans[0]?.versions], [0, 0, SIZES.length + 7]);
  });

  it("copies objects and markers under every name that S3 allows", async () => {
    const { stores } = world;
    await stores.bucket("names");
    for (const key of KEYS) {
      await world.put("here", "names", key, key, { userMetadata: { n: "1" }, tags: [{ key: "k", value: "v" }] });
    }
    for (const key of KEYS.filter((_, index) => index % 3 === 0)) {
      await stores.here.deleteObject({ bucket: "names", key });
      await world.put("here", "names", key, "again");
    }
    const path = stores.configure("names", replication("names"));
    const { failed, completed } = await world.once(path);
    assert.deepEqual([failed, completed], [0, KEYS.length + 2 * Math.ceil(KEYS.length / 3)]);
    await world.same("names");
    assert.deepEqual(
      new Set((await stores.there.listObjectVersions({ bucket: "names" })).versions.map((one) => one.key)),
      new Set(KEYS),
    );
    assert.equal((await world.once(path)).completed, 0);
  });

  it("keeps the order of three hundred versions of one key", async () => {
    const { stores } = world;
    await stores.bucket("order");
    for (let count = 0; count < 300; count++) {
      if (count % 25 === 24) await stores.here.deleteObject({ bucket: "order", key: "k" });
      else await world.put("here", "order", "k", `version ${count}`);
    }
    const path = stores.configure("order", replication("order"));
    assert.equal((await world.once(path)).completed, 300);
    await world.same("order");
  });

  it("goes on while it is written to, until it is told to stop", async () => {
    const { stores } = world;
    await stores.bucket("live");
    const path = stores.configure("live", replication("live"), "intake: {scan: {every: 1s}}\nconsole: {port: 0}");
    const running = world.start(path);
    const console_ = await running.consoleClient();
    await Promise.all(
      Array.from({ length: 8 }, (_, writer) => {
        const keys = Array.from({ length: 10 }, (_, index) => `${writer}/${index}`);
        return writeSome(world, new Chance(writer), { end: "here", bucket: "live", keys, count: 60 });
      }),
    );
    await running.until(() => world.replicatedOnce(console_, "live-here", "live"));
    await world.same("live");
    assert.equal(await running.stop(), 0);
    assert.equal((await world.once(path)).completed, 0);
  });
});
