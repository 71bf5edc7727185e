/** Fields of forms: a label, the input, a hint, and what is wrong with it. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly isLabelHidden?: boolean;
  /** Gets what ties the input to its label. */
  readonly children: (tied: {
    readonly id: string;
    readonly "aria-describedby": string | undefined;
    readonly "aria-invalid": boolean;
  }) => ComponentChildren;
}

export function Field({ label, hint, error, isLabelHidden, children }: FieldProps) {
  const id = useId();
  const says = error ?? hint;
  return (
    <div class="field">
      <label for={id} class={isLabelHidden === true ? "unseen" : undefined}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": says === undefined ? undefined : `${id}-says`,
        "aria-invalid": error !== undefined,
      })}
      {says === undefined ? null : (
        <p id={`${id}-says`} class={error === undefined ? "hint" : "hint wrong"}>
          {says}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: "text" | "password" | "search" | "number" | "datetime-local";
  readonly placeholder?: string;
  readonly autocomplete?: "username" | "current-password" | "off";
  readonly isRequired?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { value, onInput, type = "text", placeholder, autocomplete = "off", isRequired, ...field } = props;
  return (
    <Field {...field}>
      {(tied) => (
        <input
          {...tied}
          {...kindOf(type)}
          value={value}
          placeholder={placeholder}
          autocomplete={autocomplete}
          required={isRequired === true}
          spellcheck={false}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface SelectFieldProps<Value extends string> extends Omit<FieldProps, "children"> {
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly says: string }[];
  readonly onPick: (value: Value) => void;
}

export function SelectField<Value extends string>({ value, options, onPick, ...field }: SelectFieldProps<Value>) {
  return (
    <Field {...field}>
      {(tied) => (
        <select
          {...tied}
          value={value}
          onChange={(event) => {
            const picked = options[event.currentTarget.selectedIndex];
            if (picked !== undefined) onPick(picked.value);
          }}
        >
          {options.map((one) => (
            <option key={one.value} value={one.value}>
              {one.says}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckFieldProps {
  readonly label: string;
  readonly isOn: boolean;
  readonly onTurn: (isOn: boolean) => void;
  readonly hint?: string;
}

export function CheckField({ label, isOn, onTurn, hint }: CheckFieldProps) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={isOn}
        aria-describedby={hint === undefined ? undefined : `${id}-says`}
        onChange={(event) => onTurn(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint === undefined ? null : (
        <p id={`${id}-says`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly says: string }[];
  readonly onPick: (value: Value) => void;
}

/** One of a few, all of which are seen. */
export function Choice<Value extends string>({ label, value, options, onPick }: ChoiceProps<Value>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map((one) => (
        <label key={one.value} class={one.value === value ? "chosen" : undefined}>
          <input type="radio" name={name} checked={one.value === value} onChange={() => onPick(one.value)} />
          {one.says}
        </label>
      ))}
    </fieldset>
  );
}

/** The library's types tell kinds of inputs apart that take the same attributes here. */
function kindOf(type: NonNullable<TextFieldProps["type"]>): { readonly type: "text" } {
  return { type } as { readonly type: "text" };
}
