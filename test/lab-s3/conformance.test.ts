/** The contract of the Store port: the lab over HTTP through our own client, and the lab without sockets. */
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { createS3Client } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import { type StoreUnderTest, storeConformance } from "../conformance/store.ts";
import { ALICE, REGION, TestLab } from "./lab.ts";

/** A lab, and a client for it that speaks as a role which S3 itself assumed: only such callers may write replicas. */
async function makeLab(bucket: string, how: "http" | "direct"): Promise<StoreUnderTest> {
  const lab = await TestLab.start();
  const policy = (statement: object): string => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const trust = policy({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
  await lab.iam().send(new CreateRoleCommand({ RoleName: "everything", AssumeRolePolicyDocument: trust }));
  const PolicyDocument = policy({ Effect: "Allow", Action: "*", Resource: "*" });
  await lab.iam().send(new PutRolePolicyCommand({ RoleName: "everything", PolicyName: "all", PolicyDocument }));
  await lab.s3().send(new CreateBucketCommand({ Bucket: bucket, ObjectOwnership: "ObjectWriter" }));
  const credentials = await lab.lab.assumeReplicationRole(`arn:aws:iam::${ALICE}:role/everything`);
  const profile = { ...PROFILES.aws, addressing: "path" } as const;
  const { endpoint } = lab;
  const client = createS3Client({ endpoint, region: REGION, credentials, profile, clock: () => Date.now() });
  return {
    store: how === "http" ? client : lab.lab.direct(credentials),
    settings: client,
    bucket,
    async close() {
      await client.close();
      await lab.stop();
    },
  };
}

// The caller is S3 itself.
const CAPABILITIES = { bypassesOnDelete: false };

storeConformance("the lab over HTTP", () => makeLab("conform-http", "http"), CAPABILITIES);
storeConformance("the lab without sockets", () => makeLab("conform-direct", "direct"), CAPABILITIES);
