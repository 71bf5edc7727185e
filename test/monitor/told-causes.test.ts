/** The overview tells of each cause once, whoever knows of it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReasonCount } from "../../src/console/overview.ts";
import { CAUSES_TOLD_MAX, isOfEnd, toldCauses } from "../../src/console/web/pages/overview/told-causes.ts";
import type { Alert } from "../../src/monitor/alerts/model.ts";

const ARN = "arn:aws:s3:::photos-replica";

function alert(id: string, more: Partial<Alert> = {}): Alert {
  return {
    id,
    condition: "newCause",
    conditions: ["newCause"],
    state: "firing",
    severity: "warning",
    title: `cause ${id}`,
    says: "3 versions FAILED",
    counts: { failed: 3 },
    command: "lockstep fix s3://photos",
    subject: "photos",
    bucket: "photos",
    destinationArn: ARN,
    code: "DstPutObjNotPermitted",
    sinceMs: 0,
    ...more,
  };
}

function reason(code: string, state: ReasonCount["state"] = "FAILED"): ReasonCount {
  return { code, title: code, state, tasks: 3, bytes: 30 };
}

describe("the causes that the overview tells", () => {
  it("name a cause once that figures and an alert know of, with the alert", () => {
    const told = toldCauses({ byReason: [reason("DstPutObjNotPermitted")] }, [alert("a")]);
    assert.deepEqual(
      told.causes.map((one) => [one.code, one.alert?.id, one.reason?.tasks]),
      [["DstPutObjNotPermitted", "a", undefined]],
    );
    assert.deepEqual(told.others, []);
  });

  it("tell two buckets apart that fail for one reason", () => {
    const both = [alert("a"), alert("b", { bucket: "films" })];
    const { causes } = toldCauses({ byReason: [reason("DstPutObjNotPermitted")] }, both);
    assert.deepEqual(
      causes.map((one) => one.alert?.bucket),
      ["photos", "films"],
    );
  });

  it("hold what no alert knows of yet, and nothing that is only tried again", () => {
    const byReason = [reason("DstBucketUnversioned"), reason("SourceUnreachable", "PENDING")];
    const { causes } = toldCauses({ byReason }, []);
    assert.deepEqual(
      causes.map((one) => [one.code, one.alert]),
      [["DstBucketUnversioned", undefined]],
    );
  });

  it("hold a silenced one, for its versions are FAILED all the same", () => {
    const silenced = alert("a", { silencedUntilMs: 10 });
    const told = toldCauses({ byReason: [reason("DstPutObjNotPermitted")] }, [silenced]);
    assert.equal(told.causes[0]?.alert?.silencedUntilMs, 10);
    assert.equal(told.causes.length, 1);
  });

  it("leave alerts about something else to be told as such, and those that are over to nobody", () => {
    const byReason = [reason("DstPutObjNotPermitted")];
    const drift = alert("d", { condition: "drift", conditions: ["drift"], code: "" });
    const told = toldCauses({ byReason }, [alert("a"), drift, alert("o", { state: "resolved", code: "Other" })]);
    assert.deepEqual(
      told.others.map((one) => one.id),
      ["d"],
    );
  });

  it("are few however many there are, and the rest is counted", () => {
    const alerts = Array.from({ length: 500 }, (_, index) => alert(String(index)));
    const told = toldCauses({ byReason: [reason("DstPutObjNotPermitted")] }, alerts);
    assert.equal(told.causes.length, CAUSES_TOLD_MAX);
    assert.equal(told.more, 500 - CAUSES_TOLD_MAX);
    assert.deepEqual(told.others, []);
  });

  it("know an alert of an end that does not answer by its name", () => {
    const { destinationArn: _, ...ofSource } = alert("s", { condition: "breakerOpen", conditions: ["breakerOpen"] });
    assert.ok(isOfEnd(ofSource, "photos"));
    const ofDestination = alert("t", { condition: "breakerOpen", conditions: ["breakerOpen"] });
    assert.ok(isOfEnd(ofDestination, ARN));
    assert.ok(!isOfEnd(ofDestination, "photos"));
    assert.ok(!isOfEnd(alert("a"), ARN));
  });
});
