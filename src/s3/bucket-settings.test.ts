import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Answer, clientOf, type HttpS3, httpS3 } from "../../test/fixtures/http-s3.ts";
import { childText } from "../core/xml.ts";
import type { S3Client } from "./client.ts";

let answer: Answer;
let server: HttpS3;
let client: S3Client;

describe("client: settings of buckets", () => {
  before(async () => {
    server = await httpS3((request, response, socket) => answer(request, response, socket));
    client = clientOf(server.endpoint);
  });
  beforeEach(() => {
    (server.requests as unknown[]).length = 0;
    answer = (_, response) => void response.writeHead(200).end();
  });
  after(async () => {
    await client.close();
    await server.close();
  });

  function answers(body: string, status = 200): void {
    answer = (_, response) => void response.writeHead(status).end(body);
  }

  describe("settings that are not there", () => {
    const cases = [
      ["NoSuchBucketPolicy", () => client.getBucketPolicy("b")],
      ["ReplicationConfigurationNotFoundError", () => client.getBucketReplication("b")],
      ["ServerSideEncryptionConfigurationNotFoundError", () => client.getBucketEncryption("b")],
      ["OwnershipControlsNotFoundError", () => client.getBucketOwnership("b")],
      ["ObjectLockConfigurationNotFoundError", () => client.getObjectLock("b")],
      ["NoSuchPublicAccessBlockConfiguration", () => client.getPublicAccessBlock("b")],
    ] as const;
    for (const [code, read] of cases) {
      test(`${code} is undefined, whatever its status; a bucket that is not there is an error`, async () => {
        for (const status of [404, 400]) {
          answers(`<Error><Code>${code}</Code></Error>`, status);
          assert.equal(await read(), undefined);
        }
        answers("<Error><Code>NoSuchBucket</Code></Error>", 404);
        await assert.rejects(read(), { code: "NoSuchBucket", status: 404 });
      });
    }

    test("a bucket that never had versioning has no status", async () => {
      answers("<VersioningConfiguration/>");
      assert.equal(await client.getBucketVersioning("b"), undefined);
      answers("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>");
      assert.equal(await client.getBucketVersioning("b"), "Suspended");
      assert.equal(server.requests[0]?.url, "/b?versioning=");
    });
  });

  describe("settings that are read", () => {
    test("notifications are read with their filters, of every kind of target", async () => {
      answers(
        `<NotificationConfiguration>
           <QueueConfiguration><Queue>arn:q</Queue><Event>s3:Replication:*</Event><Event>s3:ObjectCreated:*</Event>
             <Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a/</Value></FilterRule>
             <FilterRule><Name>suffix</Name><Value>.jpg</Value></FilterRule></S3Key></Filter></QueueConfiguration>
           <TopicConfiguration><Topic>arn:t</Topic><Event>s3:ObjectRemoved:*</Event></TopicConfiguration>
           <EventBridgeConfiguration/>
         </NotificationConfiguration>`,
      );
      assert.deepEqual(await client.getBucketNotification("b"), [
        {
          kind: "queue",
          arn: "arn:q",
          events: ["s3:Replication:*", "s3:ObjectCreated:*"],
          prefix: "a/",
          suffix: ".jpg",
        },
        { kind: "topic", arn: "arn:t", events: ["s3:ObjectRemoved:*"] },
        { kind: "eventBridge", events: [] },
      ]);
      answers("<NotificationConfiguration/>");
      assert.deepEqual(await client.getBucketNotification("b"), []);
    });

    test("inventories are read page by page", async () => {
      const page = (id: string, more: string) =>
        `<ListInventoryConfigurationsResult><InventoryConfiguration><Id>${id}</Id><IsEnabled>true</IsEnabled>
         <Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format></S3BucketDestination>
         </Destination><IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule>
         <OptionalFields><Field>ReplicationStatus</Field></OptionalFields></InventoryConfiguration>${more}
         </ListInventoryConfigurationsResult>`;
      const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
      answer = (request, response) =>
        void response
          .writeHead(200)
          .end(request.url?.includes("continuation-token=t") ? page("2", "") : page("1", more));
      const found = await client.listInventories("b");
      assert.deepEqual(
        found.map((one) => one.id),
        ["1", "2"],
      );
      assert.deepEqual(found[0], {
        id: "1",
        isEnabled: true,
        versions: "All",
        frequency: "Daily",
        fields: ["ReplicationStatus"],
        destinationArn: "arn:aws:s3:::reports",
        format: "CSV",
      });
    });

    test("a policy is the text that was stored", async () => {
      answers('{"Version": "2012-10-17"}');
      assert.equal(await client.getBucketPolicy("b"), '{"Version": "2012-10-17"}');
      answers("<html></html>");
      await assert.rejects(client.getBucketPolicy("b"), (error: { fields: { network?: string } }) => {
        return error.fields.network === "protocol";
      });
    });

    test("a replication configuration is its element", async () => {
      answers("<ReplicationConfiguration><Role>arn</Role></ReplicationConfiguration>");
      const element = await client.getBucketReplication("b");
      assert.equal(element && childText(element, "Role"), "arn");
    });

    test("an unrelated document is no setting: there are stores that answer with one", async () => {
      answers("<ListBucketResult/>");
      await assert.rejects(client.getBucketOwnership("b"), {
        message: /answer is a <ListBucketResult>, not a <OwnershipControls>: the store does not know the operation$/,
      });
    });

    test("default encryption, ownership, lock and public access", async () => {
      answers(`<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>
      <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>
      <BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`);
      const kms = { kind: "SSE-KMS", kmsKeyArn: "arn:k", bucketKey: true };
      assert.deepEqual(await client.getBucketEncryption("b"), kms);

      answers(`<ServerSideEncryptionConfiguration><Rule><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType>
      </BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>`);
      assert.deepEqual(await client.getBucketEncryption("b"), { kind: "SSE-S3", blocked: ["SSE-C"] });

      answers("<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>");
      assert.equal(await client.getRequestPayment("b"), "Requester");

      answers("<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>");
      assert.equal(await client.getBucketOwnership("b"), "ObjectWriter");

      const lock = (inner: string) =>
        `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${inner}</ObjectLockConfiguration>`;
      answers(lock(""));
      assert.deepEqual(await client.getObjectLock("b"), {});
      answers(lock("<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>7</Days></DefaultRetention></Rule>"));
      assert.deepEqual(await client.getObjectLock("b"), { defaultRetention: { mode: "COMPLIANCE", days: 7 } });

      answers(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>",
      );
      assert.deepEqual(await client.getPublicAccessBlock("b"), {
        blockPublicAcls: true,
        ignorePublicAcls: false,
        blockPublicPolicy: false,
        restrictPublicBuckets: false,
      });

      answers("<AccessControlPolicy><Owner><ID>o</ID></Owner></AccessControlPolicy>");
      assert.deepEqual(await client.getBucketAcl("b"), { ownerId: "o", grants: [] });
    });

    test("whose a bucket is: asked with the account, without it, and with an account that is nobody's", async () => {
      const store = (owner: string | undefined, open: boolean) => {
        answer = (request, response) => {
          const expected = request.headers["x-amz-expected-bucket-owner"];
          const refused = !open || (owner !== undefined && expected !== undefined && expected !== owner);
          response.writeHead(refused ? 403 : 200).end();
        };
      };
      store("111122223333", true);
      assert.equal(await client.isOwnedBy("b", "111122223333"), true);
      assert.equal(await client.isOwnedBy("b", "444455556666"), false);
      store(undefined, true);
      assert.equal(await client.isOwnedBy("b", "111122223333"), undefined);
      store("111122223333", false);
      assert.equal(await client.isOwnedBy("b", "111122223333"), undefined);
    });

    test("a location has the name of its region, also where S3 is shy of it", async () => {
      const location = async (inner: string) => {
        answers(`<LocationConstraint>${inner}</LocationConstraint>`);
        return client.getBucketLocation("b");
      };
      assert.equal(await location(""), "us-east-1");
      assert.equal(await location("EU"), "eu-west-1");
      assert.equal(await location("eu-central-1"), "eu-central-1");
    });

    test("buckets are listed, and one of them tells its region", async () => {
      answers(`<ListAllMyBucketsResult><Owner><ID>o</ID></Owner><Buckets><Bucket><Name>b</Name>
      <CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`);
      assert.deepEqual(await client.listBuckets(), [{ name: "b", createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5) }]);
      assert.equal(server.only().url, "/");
      answer = (_, response) => void response.writeHead(200, { "x-amz-bucket-region": "eu-west-1" }).end();
      assert.deepEqual(await client.headBucket("b"), { region: "eu-west-1" });
      answer = (_, response) => void response.writeHead(200).end();
      assert.deepEqual(await client.headBucket("b"), {});
    });
  });

  describe("settings that are changed", () => {
    const changes = [
      ["PUT /b?policy=", '{"a":1}', () => client.putBucketPolicy("b", '{"a":1}')],
      [
        "PUT /b?replication=",
        "<ReplicationConfiguration/>",
        () => client.putBucketReplication("b", "<ReplicationConfiguration/>"),
      ],
      ["PUT /b?versioning=", /<Status>Enabled<\/Status>/, () => client.putBucketVersioning("b", "Enabled")],
      [
        "PUT /b?encryption=",
        /<SSEAlgorithm>AES256<\/SSEAlgorithm><\/Apply/,
        () => client.putBucketEncryption("b", { kind: "SSE-S3" }),
      ],
      [
        "PUT /b?encryption=",
        /<SSEAlgorithm>aws:kms<\/SSEAlgorithm><KMSMasterKeyID>k<\/KMSMasterKeyID>.*<BucketKeyEnabled>false</,
        () => client.putBucketEncryption("b", { kind: "SSE-KMS", kmsKeyArn: "k", bucketKey: false }),
      ],
      [
        "PUT /b?encryption=",
        /<BlockedEncryptionTypes><EncryptionType>NONE<\/EncryptionType><\/BlockedEncryptionTypes><\/Rule>/,
        () => client.putBucketEncryption("b", { kind: "SSE-S3", blocked: ["NONE"] }),
      ],
      [
        "PUT /b?ownershipControls=",
        /<Rule><ObjectOwnership>BucketOwnerEnforced<\/ObjectOwnership><\/Rule>/,
        () => client.putBucketOwnership("b", "BucketOwnerEnforced"),
      ],
      [
        "PUT /b?object-lock=",
        /<ObjectLockEnabled>Enabled<\/ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE<\/Mode><Days>7</,
        () => client.putObjectLock("b", { defaultRetention: { mode: "GOVERNANCE", days: 7 } }),
      ],
      ["PUT /b?requestPayment=", /<Payer>BucketOwner<\/Payer>/, () => client.putRequestPayment("b", "BucketOwner")],
    ] as const;
    for (const [what, body, change] of changes) {
      test(`${what} carries its document and the document's MD5: ${String(body)}`, async () => {
        await change();
        const request = server.only();
        assert.equal(`${request.method} ${request.url}`, what);
        if (typeof body === "string") assert.equal(request.body.toString(), body);
        else assert.match(request.body.toString(), body);
        assert.equal(request.headers["content-md5"], createHash("md5").update(request.body).digest("base64"));
      });
    }

    test("what is removed is removed with DELETE", async () => {
      answers("", 204);
      await client.deleteBucketPolicy("b");
      await client.deleteBucketReplication("b");
      await client.deleteBucketEncryption("b");
      await client.deleteBucketOwnership("b");
      await client.deleteBucket("b");
      assert.deepEqual(
        server.requests.map((request) => `${request.method} ${request.url}`),
        [
          "DELETE /b?policy=",
          "DELETE /b?replication=",
          "DELETE /b?encryption=",
          "DELETE /b?ownershipControls=",
          "DELETE /b",
        ],
      );
    });

    test("a bucket is made in the region of the signature, which us-east-1 must not be told", async () => {
      await client.createBucket("b");
      await client.createBucket("b", { region: "us-east-1", objectLock: true });
      const [first, second] = server.requests;
      assert.match(first?.body.toString() ?? "", /<LocationConstraint>eu-west-1<\/LocationConstraint>/);
      assert.equal(second?.body.byteLength, 0);
      assert.equal(second?.headers["x-amz-bucket-object-lock-enabled"], "true");
    });
  });

  describe("many objects at once", () => {
    test("current objects are listed page by page", async () => {
      answers("<ListBucketResult><Contents><Key>k</Key><Size>1</Size></Contents></ListBucketResult>");
      const request = { bucket: "b", prefix: "p/", delimiter: "/", continuationToken: "t", maxKeys: 10 };
      const page = await client.listObjects(request);
      assert.equal(page.objects[0]?.key, "k");
      assert.equal(page.continuationToken, undefined);
      const query = "continuation-token=t&delimiter=%2F&encoding-type=url&list-type=2&max-keys=10&prefix=p%2F";
      assert.equal(server.only().url, `/b?${query}`);
    });

    test("those that the store refused to delete are told", async () => {
      answers(
        `<DeleteResult><Error><Key>k2</Key><VersionId>v</VersionId><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>`,
      );
      const refused = await client.deleteObjects("b", [{ key: "k<1>" }, { key: "k2", versionId: "v" }]);
      assert.deepEqual(refused, [{ key: "k2", versionId: "v", code: "AccessDenied", message: "no" }]);
      const { body } = server.only();
      const expected =
        "<Quiet>true</Quiet><Object><Key>k&lt;1&gt;</Key></Object><Object><Key>k2</Key><VersionId>v</VersionId></Object>";
      assert.ok(body.toString().includes(expected));
      await assert.rejects(client.deleteObjects("b", []), { name: "BugError" });
    });
  });
});
