import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, type IAMClient, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import * as sdk from "@aws-sdk/client-kms";
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ListRetirableGrantsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from "@aws-sdk/client-kms";
import type { Credentials } from "../../src/core/model.ts";
import { KMS_OPERATIONS } from "../../src/lab/kms/operations.ts";
import { type KeyUse, ServiceError } from "../../src/lab/model.ts";
import { ALICE, allow, BOB, policy, REGION, refusal, SdkLab } from "./sdk-lab.ts";

const DAY_MS = 86_400_000;
const SECRET = Buffer.from("attack at dawn");
const FOREIGN =
  /because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access$/;

/** The statement that gives an account's IAM policies their say. */
const rootOf = (account: string) => ({
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${account}:root` },
  Action: "kms:*",
  Resource: "*",
});

describe("KMS over the wire, for the AWS SDK", () => {
  let lab: SdkLab;
  let root: KMSClient;
  let iam: IAMClient;
  let bobIam: IAMClient;

  before(async () => {
    lab = await SdkLab.start();
    root = lab.kmsClient(await lab.root(ALICE));
    iam = lab.iam(await lab.root(ALICE));
    bobIam = lab.iam(await lab.root(BOB));
  });
  after(() => lab.stop());

  async function user(client: IAMClient, UserName: string, ...statements: object[]): Promise<Credentials> {
    await client.send(new CreateUserCommand({ UserName }));
    if (statements.length > 0) {
      await client.send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument: policy(...statements) }));
    }
    const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }));
    return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  }

  async function key(settings: object = {}): Promise<string> {
    const { KeyMetadata } = await root.send(new CreateKeyCommand(settings));
    return KeyMetadata?.Arn ?? "";
  }

  const encrypt = (client: KMSClient, KeyId: string, EncryptionContext = {}) =>
    client.send(new EncryptCommand({ KeyId, Plaintext: SECRET, EncryptionContext }));

  it("describes a key as it was made", async () => {
    const Tags = [{ TagKey: "team", TagValue: "storage" }];
    const { KeyMetadata } = await root.send(new CreateKeyCommand({ Description: "first", Tags }));
    assert.match(KeyMetadata?.Arn ?? "", /^arn:aws:kms:us-east-1:111122223333:key\/[0-9a-f-]{36}$/);
    assert.equal(KeyMetadata?.KeyState, "Enabled");
    assert.equal(KeyMetadata?.KeySpec, "SYMMETRIC_DEFAULT");
    assert.equal(KeyMetadata?.KeyManager, "CUSTOMER");
    assert.deepEqual(KeyMetadata?.CreationDate, new Date(lab.nowMs));
    const KeyId = KeyMetadata?.KeyId ?? "";
    await root.send(new UpdateKeyDescriptionCommand({ KeyId, Description: "second" }));
    const seen = await root.send(new DescribeKeyCommand({ KeyId }));
    assert.equal(seen.KeyMetadata?.Description, "second");
    await root.send(new TagResourceCommand({ KeyId, Tags: [{ TagKey: "x", TagValue: "" }] }));
    await root.send(new UntagResourceCommand({ KeyId, TagKeys: ["team"] }));
    const tags = await root.send(new ListResourceTagsCommand({ KeyId }));
    assert.deepEqual(tags.Tags, [{ TagKey: "x", TagValue: "" }]);
    assert.equal((await root.send(new GetKeyRotationStatusCommand({ KeyId }))).KeyRotationEnabled, false);
    await root.send(new EnableKeyRotationCommand({ KeyId }));
    assert.equal((await root.send(new GetKeyRotationStatusCommand({ KeyId }))).RotationPeriodInDays, 365);
  });

  it("refuses kinds of keys that it does not have", async () => {
    await assert.rejects(
      root.send(new CreateKeyCommand({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" })),
      refusal("UnsupportedOperationException", 400),
    );
    await assert.rejects(
      root.send(new CreateKeyCommand({ MultiRegion: true })),
      refusal("UnsupportedOperationException", 400),
    );
    await assert.rejects(
      root.send(new CreateKeyCommand({ KeySpec: "ROT13" as "RSA_2048" })),
      refusal("ValidationException", 400, /at 'keySpec' failed to satisfy constraint/),
    );
  });

  it("gives back what it encrypted, without being told the key", async () => {
    const arn = await key();
    const { CiphertextBlob, KeyId } = await encrypt(root, arn, { a: "1", b: "2" });
    assert.equal(KeyId, arn);
    assert.ok(!Buffer.from(CiphertextBlob ?? []).includes(SECRET));
    const answer = await root.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { b: "2", a: "1" } }));
    assert.deepEqual(Buffer.from(answer.Plaintext ?? []), SECRET);
    assert.equal(answer.KeyId, arn);
  });

  it("refuses another encryption context, a changed ciphertext, and a wrong key", async () => {
    const arn = await key();
    const { CiphertextBlob = new Uint8Array() } = await encrypt(root, arn, { a: "1" });
    const decrypt = (blob: Uint8Array, more: object = {}) =>
      root.send(new DecryptCommand({ CiphertextBlob: blob, EncryptionContext: { a: "1" }, ...more }));
    await assert.rejects(
      decrypt(CiphertextBlob, { EncryptionContext: { a: "2" } }),
      refusal("InvalidCiphertextException", 400),
    );
    await assert.rejects(
      decrypt(CiphertextBlob, { EncryptionContext: {} }),
      refusal("InvalidCiphertextException", 400),
    );
    const changed = Uint8Array.from(CiphertextBlob);
    changed.set([(changed.at(-1) ?? 0) ^ 1], changed.length - 1);
    await assert.rejects(decrypt(changed), refusal("InvalidCiphertextException", 400));
    await assert.rejects(decrypt(Buffer.from("not a ciphertext")), refusal("InvalidCiphertextException", 400));
    await assert.rejects(decrypt(CiphertextBlob, { KeyId: await key() }), refusal("IncorrectKeyException", 400));
    await assert.rejects(
      lab
        .kmsClient(await lab.root(ALICE), "eu-west-1")
        .send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: "1" } })),
      refusal("AccessDeniedException", 400, /^The ciphertext refers to a customer master key that does not exist/),
    );
  });

  it("makes data keys of the size that is asked for, with or without showing them", async () => {
    const KeyId = await key();
    const shown = await root.send(new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_128" }));
    assert.equal(shown.Plaintext?.length, 16);
    const hidden = await root.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId, NumberOfBytes: 24 }));
    const opened = await root.send(new DecryptCommand({ CiphertextBlob: hidden.CiphertextBlob }));
    assert.equal(opened.Plaintext?.length, 24);
    await assert.rejects(
      root.send(new GenerateDataKeyCommand({ KeyId })),
      refusal("ValidationException", 400, /either number of bytes or key spec/),
    );
    assert.equal((await root.send(new GenerateRandomCommand({ NumberOfBytes: 8 }))).Plaintext?.length, 8);
  });

  it("encrypts again under another key and another context", async () => {
    const [from, to] = [await key(), await key()];
    const { CiphertextBlob } = await encrypt(root, from, { a: "1" });
    const again = await root.send(
      new ReEncryptCommand({
        CiphertextBlob,
        SourceEncryptionContext: { a: "1" },
        DestinationKeyId: to,
        DestinationEncryptionContext: { b: "2" },
      }),
    );
    assert.deepEqual([again.SourceKeyId, again.KeyId], [from, to]);
    const opened = await root.send(
      new DecryptCommand({ CiphertextBlob: again.CiphertextBlob, EncryptionContext: { b: "2" } }),
    );
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), SECRET);
  });

  it("says in AWS's words that there is no such key", async () => {
    const absent = "00000000-0000-4000-8000-000000000000";
    const arn = `arn:aws:kms:us-east-1:${ALICE}:key/${absent}`;
    const describe = (KeyId: string) => root.send(new DescribeKeyCommand({ KeyId }));
    await assert.rejects(
      describe(absent),
      refusal("NotFoundException", 400, new RegExp(`^Key '${arn}' does not exist$`)),
    );
    await assert.rejects(describe(arn), refusal("NotFoundException", 400, new RegExp(`^Key '${arn}' does not exist$`)));
    await assert.rejects(
      describe("alias/none"),
      refusal(
        "NotFoundException",
        400,
        new RegExp(`^Alias arn:aws:kms:us-east-1:${ALICE}:alias/none is not found\\.$`),
      ),
    );
    await assert.rejects(
      describe(arn.replace(REGION, "eu-west-1")),
      refusal("NotFoundException", 400, /^Invalid arn eu-west-1$/),
    );
    await assert.rejects(describe("my-key"), refusal("NotFoundException", 400, /^Invalid keyId 'my-key'$/));
  });

  it("follows aliases, also after they have moved", async () => {
    const [one, two] = [await key(), await key()];
    const AliasName = "alias/app";
    await root.send(new CreateAliasCommand({ AliasName, TargetKeyId: one }));
    await assert.rejects(
      root.send(new CreateAliasCommand({ AliasName, TargetKeyId: two })),
      refusal("AlreadyExistsException", 400, /^An alias with the name arn:\S+alias\/app already exists$/),
    );
    assert.equal((await encrypt(root, AliasName)).KeyId, one);
    await root.send(new UpdateAliasCommand({ AliasName, TargetKeyId: two }));
    assert.equal((await encrypt(root, `arn:aws:kms:us-east-1:${ALICE}:alias/app`)).KeyId, two);
    const all = await root.send(new ListAliasesCommand({}));
    const s3 = all.Aliases?.find((alias) => alias.AliasName === "alias/aws/s3");
    assert.deepEqual(s3, { AliasName: "alias/aws/s3", AliasArn: `arn:aws:kms:us-east-1:${ALICE}:alias/aws/s3` });
    const { Aliases } = await root.send(new ListAliasesCommand({ KeyId: two }));
    assert.deepEqual(
      Aliases?.map((alias) => alias.AliasName),
      [AliasName],
    );
    await root.send(new DeleteAliasCommand({ AliasName }));
    await assert.rejects(encrypt(root, AliasName), refusal("NotFoundException", 400));
    await assert.rejects(
      root.send(new CreateAliasCommand({ AliasName: "alias/aws/mine", TargetKeyId: one })),
      refusal("InvalidAliasNameException", 400),
    );
    await assert.rejects(
      root.send(new DisableKeyCommand({ KeyId: AliasName })),
      refusal("NotFoundException", 400, /Invalid keyId/),
    );
  });

  it("pages keys", async () => {
    const client = lab.kmsClient(await lab.root(ALICE), "ap-south-1");
    for (let count = 0; count < 5; count++) await client.send(new CreateKeyCommand({}));
    const first = await client.send(new ListKeysCommand({ Limit: 3 }));
    assert.equal(first.Truncated, true);
    const second = await client.send(new ListKeysCommand({ Limit: 3, Marker: first.NextMarker }));
    assert.equal(second.Truncated, false);
    assert.equal(new Set([...(first.Keys ?? []), ...(second.Keys ?? [])].map((one) => one.KeyId)).size, 5);
  });

  it("neither encrypts nor decrypts with a disabled key", async () => {
    const KeyId = await key();
    const { CiphertextBlob } = await encrypt(root, KeyId);
    await root.send(new DisableKeyCommand({ KeyId }));
    const disabled = refusal("DisabledException", 400, new RegExp(`^${KeyId} is disabled\\.$`));
    await assert.rejects(encrypt(root, KeyId), disabled);
    await assert.rejects(root.send(new DecryptCommand({ CiphertextBlob })), disabled);
    await root.send(new EnableKeyCommand({ KeyId }));
    await root.send(new DecryptCommand({ CiphertextBlob }));
  });

  it("deletes a key when the lab's clock says so, unless it is saved before", async () => {
    const [saved, lost] = [await key(), await key()];
    const { CiphertextBlob } = await encrypt(root, lost);
    await root.send(new CreateAliasCommand({ AliasName: "alias/lost", TargetKeyId: lost }));
    const scheduled = await root.send(new ScheduleKeyDeletionCommand({ KeyId: saved, PendingWindowInDays: 7 }));
    assert.deepEqual(scheduled.DeletionDate, new Date(lab.nowMs + 7 * DAY_MS));
    await root.send(new ScheduleKeyDeletionCommand({ KeyId: lost, PendingWindowInDays: 7 }));
    await assert.rejects(encrypt(root, lost), refusal("KMSInvalidStateException", 400, /is pending deletion\.$/));
    await assert.rejects(root.send(new EnableKeyCommand({ KeyId: lost })), refusal("KMSInvalidStateException", 400));
    await root.send(new CancelKeyDeletionCommand({ KeyId: saved }));
    assert.equal((await root.send(new DescribeKeyCommand({ KeyId: saved }))).KeyMetadata?.KeyState, "Disabled");
    await assert.rejects(
      root.send(new CancelKeyDeletionCommand({ KeyId: saved })),
      refusal("KMSInvalidStateException", 400, /is not pending deletion\.$/),
    );
    lab.nowMs += 7 * DAY_MS;
    await root.send(new DescribeKeyCommand({ KeyId: saved }));
    await assert.rejects(root.send(new DescribeKeyCommand({ KeyId: lost })), refusal("NotFoundException", 400));
    await assert.rejects(root.send(new DescribeKeyCommand({ KeyId: "alias/lost" })), refusal("NotFoundException", 400));
    await assert.rejects(root.send(new DecryptCommand({ CiphertextBlob })), refusal("AccessDeniedException", 400));
    await root.send(new CreateAliasCommand({ AliasName: "alias/lost", TargetKeyId: saved }));
    await assert.rejects(
      root.send(new ScheduleKeyDeletionCommand({ KeyId: saved, PendingWindowInDays: 6 })),
      refusal("ValidationException", 400, /'pendingWindowInDays'/),
    );
  });

  it("cannot use a key whose material was never imported, or that is unavailable", async () => {
    const external = await key({ Origin: "EXTERNAL" });
    await assert.rejects(encrypt(root, external), refusal("KMSInvalidStateException", 400, /is pending import\.$/));
    const KeyId = await key();
    await lab.kms.setKeyState(KeyId, "Unavailable");
    await assert.rejects(encrypt(root, KeyId), refusal("KMSInvalidStateException", 400, /is unavailable\.$/));
    await lab.kms.setKeyState(KeyId, "Enabled");
    await encrypt(root, KeyId);
  });

  describe("key policies", () => {
    it("are made by default so that the account's own policies decide", async () => {
      const KeyId = await key();
      const { Policy, PolicyName } = await root.send(new GetKeyPolicyCommand({ KeyId }));
      assert.equal(PolicyName, "default");
      assert.deepEqual(JSON.parse(Policy ?? "").Statement[0].Principal, { AWS: `arn:aws:iam::${ALICE}:root` });
      assert.deepEqual((await root.send(new ListKeyPoliciesCommand({ KeyId }))).PolicyNames, ["default"]);
      const bare = lab.kmsClient(await user(iam, "bare"));
      await assert.rejects(
        encrypt(bare, KeyId),
        refusal(
          "AccessDeniedException",
          400,
          /^User: \S+user\/bare is not authorized to perform: kms:Encrypt on resource: \S+ because no identity-based policy allows the kms:Encrypt action$/,
        ),
      );
      await encrypt(lab.kmsClient(await user(iam, "granted", allow("kms:Encrypt", KeyId))), KeyId);
    });

    it("leave IAM policies without effect when they do not name the account", async () => {
      const admin = await user(iam, "keyadmin", allow("kms:*"));
      const only = { ...rootOf(ALICE), Principal: { AWS: `arn:aws:iam::${ALICE}:user/keyadmin` } };
      const { KeyMetadata } = await lab.kmsClient(admin).send(new CreateKeyCommand({ Policy: policy(only) }));
      const KeyId = KeyMetadata?.Arn ?? "";
      await assert.rejects(
        encrypt(lab.kmsClient(await user(iam, "outsider", allow("kms:*"))), KeyId),
        refusal("AccessDeniedException", 400, /because no resource-based policy allows the kms:Encrypt action$/),
      );
      await assert.rejects(encrypt(root, KeyId), refusal("AccessDeniedException", 400));
      await encrypt(lab.kmsClient(admin), KeyId);
    });

    it("must let the one who sets them set them again, unless that check is waived", async () => {
      const KeyId = await key();
      const Policy = policy({ ...rootOf(ALICE), Principal: { AWS: `arn:aws:iam::${BOB}:root` } });
      const locking = refusal(
        "MalformedPolicyDocumentException",
        400,
        /^The new key policy will not allow you to update the key policy in the future\.$/,
      );
      await assert.rejects(root.send(new PutKeyPolicyCommand({ KeyId, Policy })), locking);
      await assert.rejects(root.send(new CreateKeyCommand({ Policy })), locking);
      await root.send(new PutKeyPolicyCommand({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true }));
      await assert.rejects(root.send(new GetKeyPolicyCommand({ KeyId })), refusal("AccessDeniedException", 400));
    });

    it("must parse, and name principals that exist", async () => {
      const KeyId = await key();
      const put = (Policy: string) => root.send(new PutKeyPolicyCommand({ KeyId, Policy }));
      await assert.rejects(put("{}"), refusal("MalformedPolicyDocumentException", 400));
      const nobody = { ...rootOf(ALICE), Principal: { AWS: `arn:aws:iam::${ALICE}:user/nobody` } };
      await assert.rejects(
        put(policy(rootOf(ALICE), nobody)),
        refusal("MalformedPolicyDocumentException", 400, /invalid principals/),
      );
    });

    it("see the encryption context, the caller's account and the alias that was used", async () => {
      const KeyId = await key();
      await root.send(new CreateAliasCommand({ AliasName: "alias/cond", TargetKeyId: KeyId }));
      const when = {
        StringEquals: { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b", "kms:CallerAccount": ALICE },
        "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["aws:s3:arn"] },
      };
      const client = lab.kmsClient(
        await user(
          iam,
          "contextual",
          { ...allow("kms:Encrypt"), Condition: when },
          {
            ...allow("kms:DescribeKey"),
            Condition: { StringEquals: { "kms:RequestAlias": "alias/cond" } },
          },
        ),
      );
      await encrypt(client, KeyId, { "aws:s3:arn": "arn:aws:s3:::b" });
      await assert.rejects(encrypt(client, KeyId), refusal("AccessDeniedException", 400));
      await assert.rejects(
        encrypt(client, KeyId, { "aws:s3:arn": "arn:aws:s3:::b", more: "x" }),
        refusal("AccessDeniedException", 400),
      );
      await client.send(new DescribeKeyCommand({ KeyId: "alias/cond" }));
      await assert.rejects(client.send(new DescribeKeyCommand({ KeyId })), refusal("AccessDeniedException", 400));
    });
  });

  it("asks both accounts before a key is used by another one, and tells strangers nothing", async () => {
    const shared = await key({
      Policy: policy(rootOf(ALICE), { ...rootOf(BOB), Action: ["kms:Encrypt", "kms:DescribeKey"] }),
    });
    const own = await key();
    const bare = lab.kmsClient(await user(bobIam, "bare"));
    const bob = lab.kmsClient(await user(bobIam, "bob", allow("kms:*")));
    await assert.rejects(
      encrypt(bare, shared),
      refusal("AccessDeniedException", 400, /because no identity-based policy allows the kms:Encrypt action$/),
    );
    await encrypt(bob, shared);
    await assert.rejects(
      bob.send(new GenerateDataKeyCommand({ KeyId: shared, KeySpec: "AES_256" })),
      refusal("AccessDeniedException", 400, FOREIGN),
    );
    await assert.rejects(encrypt(bob, own), refusal("AccessDeniedException", 400, FOREIGN));
    const absent = `arn:aws:kms:us-east-1:${ALICE}:key/00000000-0000-4000-8000-000000000000`;
    await assert.rejects(encrypt(bob, absent), refusal("AccessDeniedException", 400, FOREIGN));
    await assert.rejects(
      bob.send(new ScheduleKeyDeletionCommand({ KeyId: shared })),
      refusal("AccessDeniedException", 400),
    );
  });

  describe("grants", () => {
    const ann = `arn:aws:iam::${ALICE}:user/ann`;
    let annKms: KMSClient;
    before(async () => {
      annKms = lab.kmsClient(await user(iam, "ann"));
    });

    it("let a principal without any policy use a key, within their constraints, until they are revoked", async () => {
      const KeyId = await key();
      const { GrantId } = await root.send(
        new CreateGrantCommand({
          KeyId,
          GranteePrincipal: ann,
          Operations: ["Encrypt", "Decrypt"],
          Constraints: { EncryptionContextSubset: { app: "x" } },
        }),
      );
      const { CiphertextBlob } = await encrypt(annKms, KeyId, { app: "x", more: "y" });
      await annKms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { app: "x", more: "y" } }));
      await assert.rejects(encrypt(annKms, KeyId, { app: "z" }), refusal("AccessDeniedException", 400));
      await assert.rejects(
        annKms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256", EncryptionContext: { app: "x" } })),
        refusal("AccessDeniedException", 400),
      );
      const { Grants } = await root.send(new ListGrantsCommand({ KeyId }));
      assert.deepEqual(
        Grants?.map((one) => [one.GrantId, one.GranteePrincipal, one.Operations, one.Constraints]),
        [[GrantId, ann, ["Encrypt", "Decrypt"], { EncryptionContextSubset: { app: "x" } }]],
      );
      await root.send(new RevokeGrantCommand({ KeyId, GrantId }));
      await assert.rejects(encrypt(annKms, KeyId, { app: "x" }), refusal("AccessDeniedException", 400));
      await assert.rejects(root.send(new RevokeGrantCommand({ KeyId, GrantId })), refusal("NotFoundException", 400));
    });

    it("are ended by their retiring principal, by token or by id", async () => {
      const KeyId = await key();
      const grant = {
        KeyId,
        GranteePrincipal: `arn:aws:iam::${ALICE}:root`,
        RetiringPrincipal: ann,
        Operations: ["Decrypt" as const],
      };
      const first = await root.send(new CreateGrantCommand(grant));
      const second = await root.send(new CreateGrantCommand(grant));
      assert.notEqual(first.GrantId, second.GrantId);
      const { Grants } = await root.send(new ListRetirableGrantsCommand({ RetiringPrincipal: ann }));
      assert.equal(Grants?.length, 2);
      await assert.rejects(
        lab.kmsClient(await user(iam, "other")).send(new RetireGrantCommand({ GrantToken: first.GrantToken })),
        refusal("AccessDeniedException", 400),
      );
      await annKms.send(new RetireGrantCommand({ GrantToken: first.GrantToken }));
      await annKms.send(new RetireGrantCommand({ KeyId, GrantId: second.GrantId }));
      assert.deepEqual((await root.send(new ListGrantsCommand({ KeyId }))).Grants, []);
      await assert.rejects(
        annKms.send(new RetireGrantCommand({ GrantToken: first.GrantToken })),
        refusal("InvalidGrantTokenException", 400),
      );
    });

    it("that allow grants give no more than they have", async () => {
      const KeyId = await key();
      await root.send(new CreateGrantCommand({ KeyId, GranteePrincipal: ann, Operations: ["Encrypt", "CreateGrant"] }));
      await assert.rejects(
        annKms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: ann, Operations: ["Encrypt"], DryRun: true })),
        refusal("DryRunOperationException", 400),
      );
      assert.equal((await root.send(new ListGrantsCommand({ KeyId }))).Grants?.length, 1);
      const give = (Operations: ("Encrypt" | "Decrypt")[]) =>
        annKms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: ann, Operations }));
      await give(["Encrypt"]);
      await assert.rejects(give(["Decrypt"]), refusal("AccessDeniedException", 400));
    });

    it("with a name are not made twice, and go to principals that exist", async () => {
      const KeyId = await key();
      const grant = { KeyId, GranteePrincipal: ann, Name: "once", Operations: ["Decrypt" as const] };
      const first = await root.send(new CreateGrantCommand(grant));
      assert.deepEqual((await root.send(new CreateGrantCommand(grant))).GrantId, first.GrantId);
      await assert.rejects(
        root.send(new CreateGrantCommand({ ...grant, GranteePrincipal: `arn:aws:iam::${ALICE}:user/nobody` })),
        refusal("InvalidArnException", 400, /does not refer to a valid principal/),
      );
    });
  });

  describe("for S3, on behalf of a caller", () => {
    const use: Omit<KeyUse, "keyId"> = {
      region: REGION,
      viaService: "s3.us-east-1.amazonaws.com",
      encryptionContext: { "aws:s3:arn": "arn:aws:s3:::b/k" },
    };
    const code = (wanted: string) => (error: unknown) =>
      error instanceof ServiceError && error.code === wanted && error.status === 400;

    it("makes aws/s3 on its first use, which everybody in the account may use through S3 alone", async () => {
      const { keys } = lab.kms;
      const plain = lab.caller(await user(iam, "plain"));
      assert.equal(keys.resolve("alias/aws/s3", ALICE, REGION), undefined);
      const made = await Promise.all([
        keys.generateDataKey(plain, { ...use, keyId: "alias/aws/s3" }),
        keys.generateDataKey(plain, { ...use, keyId: "alias/aws/s3" }),
      ]);
      assert.equal(made[0].keyArn, made[1].keyArn);
      assert.equal(keys.resolve("alias/aws/s3", ALICE, REGION), made[0].keyArn);
      const { KeyMetadata } = await root.send(new DescribeKeyCommand({ KeyId: "alias/aws/s3" }));
      assert.equal(KeyMetadata?.KeyManager, "AWS");
      const opened = await keys.decryptDataKey(plain, use, made[0].ciphertext);
      assert.deepEqual(Buffer.from(opened.plaintext), Buffer.from(made[0].plaintext));
      const elsewhere = { ...use, viaService: "s3.eu-west-1.amazonaws.com" };
      await assert.rejects(keys.decryptDataKey(plain, elsewhere, made[0].ciphertext), code("AccessDeniedException"));
      await assert.rejects(encrypt(root, "alias/aws/s3"), refusal("AccessDeniedException", 400));
      await assert.rejects(
        root.send(new ScheduleKeyDeletionCommand({ KeyId: made[0].keyArn })),
        refusal("AccessDeniedException", 400),
      );
      const bob = lab.caller(await user(bobIam, "via", allow("kms:*")));
      await assert.rejects(keys.decryptDataKey(bob, use, made[0].ciphertext), code("AccessDeniedException"));
    });

    it("asks for the three actions by their own names, with kms:ViaService", async () => {
      const keyId = await key();
      const only = (action: string) => ({
        ...allow(action, keyId),
        Condition: {
          StringEquals: { "kms:ViaService": use.viaService, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b/k" },
        },
      });
      const { keys } = lab.kms;
      const encrypter = lab.caller(await user(iam, "encrypter", only("kms:Encrypt")));
      const sealed = await keys.encryptDataKey(encrypter, { ...use, keyId }, Buffer.alloc(32, 7));
      await assert.rejects(keys.generateDataKey(encrypter, { ...use, keyId }), code("AccessDeniedException"));
      await assert.rejects(keys.decryptDataKey(encrypter, use, sealed.ciphertext), code("AccessDeniedException"));
      const decrypter = lab.caller(await user(iam, "decrypter", only("kms:Decrypt")));
      const opened = await keys.decryptDataKey(decrypter, use, sealed.ciphertext);
      assert.deepEqual(Buffer.from(opened.plaintext), Buffer.alloc(32, 7));
      const bucketKey = { ...use, encryptionContext: { "aws:s3:arn": "arn:aws:s3:::b" } };
      await assert.rejects(keys.decryptDataKey(decrypter, bucketKey, sealed.ciphertext), code("AccessDeniedException"));
      await root.send(new DisableKeyCommand({ KeyId: keyId }));
      await assert.rejects(keys.decryptDataKey(decrypter, use, sealed.ciphertext), code("DisabledException"));
    });

    it("does not tell KMS from which address the customer came", async () => {
      const keyId = await key();
      const fromHome = {
        ...allow("kms:GenerateDataKey", keyId),
        Condition: { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } },
      };
      const credentials = await user(iam, "homebody", fromHome);
      await lab.kmsClient(credentials).send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: "AES_256" }));
      await assert.rejects(
        lab.kms.keys.generateDataKey(lab.caller(credentials), { ...use, keyId }),
        code("AccessDeniedException"),
      );
    });

    it("resolves ids, ARNs and aliases of a region, and nothing else", async () => {
      const arn = await key();
      const id = arn.slice(arn.lastIndexOf("/") + 1);
      await root.send(new CreateAliasCommand({ AliasName: "alias/resolved", TargetKeyId: id }));
      const { keys } = lab.kms;
      for (const name of [id, arn, "alias/resolved"]) assert.equal(keys.resolve(name, ALICE, REGION), arn);
      for (const name of [id, "alias/resolved", "alias/none", "what?"])
        assert.equal(keys.resolve(name, BOB, REGION), undefined);
      assert.equal(keys.resolve(arn, ALICE, "eu-west-1"), undefined);
    });
  });

  it("calls its operations as the SDK does", () => {
    for (const name of Object.keys(KMS_OPERATIONS)) assert.ok(`${name}Command` in sdk, name);
  });

  it("opens after a restart what it closed before", async () => {
    const KeyId = await key();
    const { CiphertextBlob } = await encrypt(root, KeyId, { a: "1" });
    await root.send(new CreateAliasCommand({ AliasName: "alias/kept", TargetKeyId: KeyId }));
    await root.send(
      new CreateGrantCommand({ KeyId, GranteePrincipal: `arn:aws:iam::${ALICE}:user/ann`, Operations: ["Decrypt"] }),
    );
    await lab.restart();
    const opened = await root.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: "1" } }));
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), SECRET);
    assert.equal((await root.send(new DescribeKeyCommand({ KeyId: "alias/kept" }))).KeyMetadata?.Arn, KeyId);
    assert.equal((await root.send(new ListGrantsCommand({ KeyId }))).Grants?.length, 1);
  });
});
