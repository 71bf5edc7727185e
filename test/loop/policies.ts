/** Policy documents as these tests write and change them. */

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Policy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

export function policy(...statements: readonly Statement[]): Policy {
  return { Version: "2012-10-17", Statement: statements };
}

export function allow(action: string | readonly string[], resource: string | readonly string[]): Statement {
  return { Effect: "Allow", Action: action, Resource: resource };
}

/** Takes an action out of every statement; a statement that is left with none goes. */
export function without(document: Policy, action: string): Policy {
  const statements = document.Statement.flatMap((one) => {
    const actions = [one.Action].flat().filter((held) => held !== action);
    return actions.length === 0 ? [] : [{ ...one, Action: actions }];
  });
  return { ...document, Statement: statements };
}

/** Adds a statement. */
export function withStatement(document: Policy, statement: Statement): Policy {
  return { ...document, Statement: [...document.Statement, statement] };
}

/** Changes the statements of that Sid. */
export function changeStatement(document: Policy, sid: string, change: (held: Statement) => Statement): Policy {
  return { ...document, Statement: document.Statement.map((one) => (one.Sid === sid ? change(one) : one)) };
}
