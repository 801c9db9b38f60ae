// Questions to the authorizer. Its answer may have to be waited for: the evaluation then begins again when it is there.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { CelOpaque, type CelValue, type Outcome } from '../value-types.ts';

export interface AuthorizationQuestion {
  readonly verb: string;
  /** Somebody else than the user of the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface AuthorizationAnswer {
  readonly isAllowed: boolean;
  readonly reason?: string;
  readonly error?: string;
}

export type AskAuthorizer = (question: AuthorizationQuestion) => AuthorizationAnswer | Promise<AuthorizationAnswer>;

/** Thrown through an evaluation that has to wait. */
export class Awaiting extends Error {
  readonly answer: Promise<unknown>;
  constructor(answer: Promise<unknown>) {
    super();
    this.answer = answer;
  }
}

/** Asks each question once. */
class Asking {
  readonly #ask: AskAuthorizer;
  readonly #answers = new Map<string, AuthorizationAnswer>();

  constructor(ask: AskAuthorizer) {
    this.#ask = ask;
  }

  /** @throws Awaiting, until the answer is there */
  answer(question: AuthorizationQuestion): AuthorizationAnswer {
    const key = JSON.stringify(question);
    const known = this.#answers.get(key);
    if (known) return known;
    const answer = this.#ask(question);
    if (!(answer instanceof Promise)) {
      this.#answers.set(key, answer);
      return answer;
    }
    throw new Awaiting(
      answer.then(
        (value) => this.#answers.set(key, value),
        (error) =>
          this.#answers.set(key, { isAllowed: false, error: error instanceof Error ? error.message : String(error) }),
      ),
    );
  }
}

class Check extends CelOpaque {
  readonly typeName: string;
  readonly asking: Asking;
  readonly question: Omit<AuthorizationQuestion, 'verb'>;
  constructor(kind: string, asking: Asking, question: Omit<AuthorizationQuestion, 'verb'>) {
    super();
    this.typeName = `kubernetes.authorization.${kind}`;
    this.asking = asking;
    this.question = question;
  }
  with(kind: string, more: Omit<AuthorizationQuestion, 'verb'>): Check {
    return new Check(kind, this.asking, { ...this.question, ...more });
  }
  equals(other: CelValue): boolean {
    return this === other;
  }
}

class Decision extends CelOpaque {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly answer: AuthorizationAnswer;
  constructor(answer: AuthorizationAnswer) {
    super();
    this.answer = answer;
  }
  equals(other: CelValue): boolean {
    return this === other;
  }
}

/**
 * The values of `authorizer` and `authorizer.requestResource`, for one request: each question is asked once.
 * `resource` is what the request is about.
 */
export function authorizerValues(ask: AskAuthorizer, resource: Omit<AuthorizationQuestion, 'verb'>) {
  const asking = new Asking(ask);
  return {
    authorizer: new Check('Authorizer', asking, {}),
    'authorizer.requestResource': new Check('ResourceCheck', asking, resource),
  };
}

const prefix = 'kubernetes.authorization';
const isDns = (text: string) =>
  text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
const isLabel = (text: string) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);

const filled =
  (kind: string, name: keyof AuthorizationQuestion, refusesEmpty = false) =>
  (check: Check, value: string): Outcome =>
    refusesEmpty && value.trim() === ''
      ? new CelError(`${name} must not be empty`)
      : check.with(kind, { [name]: value });

function serviceAccount(check: Check, namespace: string, name: string): Outcome {
  if (!isDns(name)) return new CelError('Invalid service account name');
  if (!isLabel(namespace)) return new CelError('Invalid service account namespace');
  return check.with('Authorizer', { serviceAccount: { namespace, name } });
}

const decide = (check: Check, verb: string) => new Decision(check.asking.answer({ ...check.question, verb }));
const onResource = (name: keyof AuthorizationQuestion) =>
  [`${prefix}.ResourceCheck.(string) -> ${prefix}.ResourceCheck`, filled('ResourceCheck', name)] as const;
const onDecision = (type: string, pick: (answer: AuthorizationAnswer) => CelValue) =>
  [`${prefix}.Decision.() -> ${type}`, ({ answer }: Decision) => pick(answer)] as const;

export const authorization: Library = {
  path: {
    overloads: {
      authorizer_path: [`${prefix}.Authorizer.(string) -> ${prefix}.PathCheck`, filled('PathCheck', 'path', true)],
    },
  },
  group: {
    overloads: {
      authorizer_group: [`${prefix}.Authorizer.(string) -> ${prefix}.GroupCheck`, filled('GroupCheck', 'group')],
    },
  },
  serviceAccount: {
    overloads: {
      authorizer_serviceaccount: [`${prefix}.Authorizer.(string, string) -> ${prefix}.Authorizer`, serviceAccount],
    },
  },
  resource: {
    overloads: {
      groupcheck_resource: [
        `${prefix}.GroupCheck.(string) -> ${prefix}.ResourceCheck`,
        filled('ResourceCheck', 'resource', true),
      ],
    },
  },
  subresource: { overloads: { resourcecheck_subresource: onResource('subresource') } },
  namespace: { overloads: { resourcecheck_namespace: onResource('namespace') } },
  name: { overloads: { resourcecheck_name: onResource('name') } },
  fieldSelector: { overloads: { authorizer_fieldselector: onResource('fieldSelector') } },
  labelSelector: { overloads: { authorizer_labelselector: onResource('labelSelector') } },
  check: {
    overloads: {
      pathcheck_check: [`${prefix}.PathCheck.(string) -> ${prefix}.Decision`, decide],
      resourcecheck_check: [`${prefix}.ResourceCheck.(string) -> ${prefix}.Decision`, decide],
    },
  },
  errored: { overloads: { decision_errored: onDecision('bool', ({ error }) => error !== undefined) } },
  error: { overloads: { decision_error: onDecision('string', ({ error }) => error ?? '') } },
  allowed: { overloads: { decision_allowed: onDecision('bool', ({ isAllowed }) => isAllowed) } },
  reason: { overloads: { decision_reason: onDecision('string', ({ reason }) => reason ?? '') } },
};
