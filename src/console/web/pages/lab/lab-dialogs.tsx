/** What can be made in the lab: accounts, buckets, small objects. */
import { useState } from "preact/hooks";
import type { LabView } from "../../../lab-desk.ts";
import { post, put, remove } from "../../api.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm, Dialog } from "../../parts/dialog.tsx";
import { CheckField, Field, SelectField, TextField } from "../../parts/field.tsx";
import { useAction } from "../../resource.ts";
import { tell } from "../../toasts.ts";
import { tagsIn } from "../rules/selections.ts";

interface DialogProps {
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function AccountDialog({ onClose, onDone }: DialogProps) {
  const [id, setId] = useState("");
  const make = async () => {
    await post("lab/accounts", { id });
    onDone();
  };
  const reason = /^\d{12}$/.test(id) ? undefined : "An account's id has 12 digits.";
  return (
    <Confirm title="A new account" confirm="Make the account" reason={reason} onConfirm={make} onClose={onClose}>
      <TextField label="Account id" value={id} onInput={setId} placeholder="444455556666" isRequired />
      <p class="dim">
        Its root's keys are printed by <code>lockstep env --account {id === "" ? "ID" : id}</code>.
      </p>
    </Confirm>
  );
}

const REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2"].map((value) => ({
  value,
  says: value,
}));

export function BucketDialog({ accounts, onClose, onDone }: DialogProps & Pick<LabView, "accounts">) {
  const [name, setName] = useState("");
  const [account, setAccount] = useState(accounts[0]?.id ?? "");
  const [region, setRegion] = useState("us-east-1");
  const [versioning, setVersioning] = useState(true);
  const [objectLock, setLock] = useState(false);
  const make = async () => {
    await post("lab/buckets", { name, account, region, versioning: versioning || objectLock, objectLock });
    onDone();
  };
  const isName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name);
  const reason = isName ? undefined : "A name has 3 to 63 small letters, digits, dots and hyphens.";
  return (
    <Confirm title="A new bucket" confirm="Make the bucket" reason={reason} onConfirm={make} onClose={onClose}>
      <TextField label="Name" value={name} onInput={setName} placeholder="photos-replica-2" isRequired />
      <SelectField
        label="Account"
        value={account}
        options={accounts.map((one) => ({
          value: one.id,
          says: one.name === undefined ? one.id : `${one.id} (${one.name})`,
        }))}
        onPick={setAccount}
      />
      <SelectField label="Region" value={region} options={REGIONS} onPick={setRegion} />
      <CheckField
        label="Versioning"
        isOn={versioning || objectLock}
        onTurn={setVersioning}
        hint="Both ends of a replication need it"
      />
      <CheckField label="Object Lock" isOn={objectLock} onTurn={setLock} hint="Brings versioning with it" />
    </Confirm>
  );
}

export function ObjectDialog({ bucket, onClose, onDone }: DialogProps & { readonly bucket: string }) {
  const [key, setKey] = useState("");
  const [text, setText] = useState("hello");
  const [tags, setTags] = useState("");
  const ended = (says: string) => {
    tell(says, "good");
    onDone();
    onClose();
  };
  const write = useAction(async () => {
    const { versionId } = await put<{ readonly versionId: string }>("lab/objects", {
      bucket,
      key,
      text,
      tags: tagsIn(tags),
    });
    ended(`${key} is written, version ${versionId}.`);
  });
  const erase = useAction(async () => {
    await remove("lab/objects", { bucket, key });
    ended(`${key} is deleted.`);
  });
  const reason = key === "" ? "Name the key." : undefined;
  return (
    <Dialog
      title={`An object in ${bucket}`}
      onClose={onClose}
      actions={
        <>
          <Button kind="danger" changes reason={reason} isBusy={erase.isRunning} onPress={() => void erase.run()}>
            Delete it
          </Button>
          <Button kind="primary" changes reason={reason} isBusy={write.isRunning} onPress={() => void write.run()}>
            Write it
          </Button>
        </>
      }
    >
      <TextField label="Key" value={key} onInput={setKey} placeholder="docs/hello.txt" isRequired />
      <Field label="Text">
        {(tied) => (
          <textarea
            {...tied}
            rows={4}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            spellcheck={false}
          />
        )}
      </Field>
      <TextField label="Tags" value={tags} onInput={setTags} placeholder="team=red, kind=raw" />
      <p class="dim">
        Both are done as the bucket's owner. Deleting makes a delete marker where the bucket has versioning.
      </p>
    </Dialog>
  );
}
