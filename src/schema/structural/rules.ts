// Evaluates the validation rules of a schema against an object, within a budget. Programs are compiled when a place is
// first met, once for as long as the schema is served.
import { isDeepStrictEqual } from 'node:util';
import { inOnePiece, type Steps } from '../../base/turns.ts';
import type { CelError } from '../cel/errors.ts';
import { schemaType } from '../cel/schema-type.ts';
import type { CelType } from '../cel/types.ts';
import { CelOptional, type CelValue, fromJson } from '../cel/values.ts';
import { isJsonObject, type SchemaNode } from './node.ts';
import { type CompiledRule, compileRule } from './rule-programs.ts';
import type { SchemaError } from './schema-error.ts';

/** What all rules of one object may cost. */
const budget = 10_000_000;
const maxMessageBytes = 5 * 1024;

/** The value before, where both can be told to be the same thing. */
interface Before {
  readonly value: unknown;
}

/** A change that is not there need not be judged again. */
interface Ratchet {
  /** undefined: nothing tells which value this was. */
  readonly current: Before | undefined;
  /** Whether what is around it has stayed as it was. */
  readonly isParentSame: () => boolean;
}

class RulePlace {
  readonly node: SchemaNode;
  readonly type: CelType | undefined;
  readonly rules: readonly CompiledRule[];
  readonly #below = new Map<string, RulePlace | undefined>();
  readonly allOf: readonly RulePlace[];

  /** `spine`: the schema that says what the values are, where `node` is part of an `allOf`. */
  constructor(node: SchemaNode, spine: SchemaNode, type: CelType | undefined) {
    this.node = node;
    this.type = type;
    this.rules = type ? node.rules.map((rule) => compileRule(rule, type, spine)) : [];
    this.allOf = node.allOf.filter(({ hasRules }) => hasRules).map((each) => new RulePlace(each, spine, type));
    this.spine = spine;
  }
  readonly spine: SchemaNode;

  /** Places are made when values come there. */
  #child(key: string, node: SchemaNode | undefined, spine: SchemaNode | undefined): RulePlace | undefined {
    if (!node?.hasRules || !spine) return undefined;
    if (!this.#below.has(key)) {
      const type = schemaType(spine, spine.isEmbedded, 'selfType1');
      this.#below.set(key, type && new RulePlace(node, spine, type));
    }
    return this.#below.get(key);
  }

  property(name: string): RulePlace | undefined {
    return this.#child(`.${name}`, this.node.properties.get(name), this.spine.properties.get(name));
  }

  get values(): RulePlace | undefined {
    const { additional } = this.node;
    const spine = this.spine.additional;
    if (typeof additional !== 'object') return undefined;
    return this.#child('{}', additional, typeof spine === 'object' ? spine : undefined);
  }

  get items(): RulePlace | undefined {
    return this.#child('[]', this.node.items, this.spine.items);
  }
}

const places = new WeakMap<SchemaNode, RulePlace>();

function rootPlace(node: SchemaNode): RulePlace {
  let place = places.get(node);
  if (!place) {
    place = new RulePlace(node, node, schemaType(node, true, 'selfType1'));
    places.set(node, place);
  }
  return place;
}

export interface RuleFindings {
  readonly errors: readonly SchemaError[];
  /** What fails, but did so before: told, and let pass. */
  readonly tolerated: readonly SchemaError[];
}

/** Nothing more is to be evaluated. */
class Stop extends Error {}

const outOfBudget = 'running out of cost budget, no further validation rules will be run';

/** A value that rules are about. */
interface Judged {
  readonly value: unknown;
  readonly place: RulePlace;
  readonly at: string;
  readonly before: Before | undefined;
  readonly ratchet: Ratchet;
}

class Evaluation {
  readonly errors: SchemaError[] = [];
  readonly tolerated: SchemaError[] = [];
  /** In the order of the document. */
  readonly #judged: Judged[] = [];
  #left = budget;

  get cost(): number {
    return budget - this.#left;
  }

  /** Finds what rules are about. */
  visit(value: unknown, place: RulePlace, at: string, before: Before | undefined, ratchet: Ratchet): void {
    if (value === null || value === undefined) return;
    if (place.rules.length > 0) this.#judged.push({ value, place, at, before, ratchet });
    for (const each of place.allOf) {
      this.visit(value, each, at, before, { current: undefined, isParentSame: ratchet.isParentSame });
    }
    if (Array.isArray(value)) this.#list(value, place, at, before, ratchet);
    else if (isJsonObject(value)) this.#object(value, place, at, before, ratchet);
  }

  #object(
    value: Record<string, unknown>,
    place: RulePlace,
    at: string,
    before: Before | undefined,
    ratchet: Ratchet,
  ): void {
    const old = isJsonObject(before?.value) ? before.value : undefined;
    const { values } = place;
    for (const [key, member] of Object.entries(value)) {
      const child = place.property(key) ?? (place.spine.properties.size > 0 ? undefined : values);
      if (!child) continue;
      const path = child === values ? `${at}[${key}]` : at ? `${at}.${key}` : key;
      const oldMember = old && Object.hasOwn(old, key) ? old[key] : undefined;
      const was = oldMember === undefined || oldMember === null ? undefined : { value: oldMember };
      this.visit(member, child, path, was, below(ratchet, value, was));
    }
  }

  #list(value: readonly unknown[], place: RulePlace, at: string, before: Before | undefined, ratchet: Ratchet): void {
    const { items } = place;
    if (!items) return;
    // Only the items of a map are known again.
    const keys = place.spine.listType === 'map' ? place.spine.listMapKeys : undefined;
    const idOf = (item: unknown) => JSON.stringify(keys!.map((key) => (isJsonObject(item) ? item[key] : undefined)));
    const old = new Map<string, unknown>();
    if (keys && Array.isArray(before?.value)) for (const item of before.value) old.set(idOf(item), item);
    for (const [index, item] of value.entries()) {
      const found = keys && old.get(idOf(item));
      const was = found === undefined ? undefined : { value: found };
      this.visit(item, items, `${at}[${index}]`, was, below(ratchet, value, was));
    }
  }

  /** A step for each rule. */
  *rules(): Steps<void> {
    for (const { value, place, at, before, ratchet } of this.#judged) {
      if (this.#left <= 0) this.#stop(place, at, `validation failed due to ${outOfBudget}`);
      const self = fromJson(value, place.type);
      const old = before && fromJson(before.value, place.type);
      for (const compiled of place.rules) {
        this.#rule(compiled, place, { at, value, self, old, ratchet });
        yield;
      }
    }
  }

  #stop(place: RulePlace, at: string, detail: string): never {
    this.#failed(place, at, detail);
    throw new Stop();
  }

  #failed({ spine }: RulePlace, at: string, detail: string): void {
    this.errors.push({ reason: 'invalid', field: at, value: spine.type, detail });
  }

  #charge(cost: number): boolean {
    if (cost > this.#left) return false;
    this.#left -= cost;
    return true;
  }

  #rule(compiled: CompiledRule, place: RulePlace, subject: Subject): void {
    const { rule, program, error, usesOldSelf } = compiled;
    const { at, self, old } = subject;
    if (error !== undefined) this.#failed(place, at, `rule compile error: ${error}`);
    if (!program) return;
    const isOptional = rule.optionalOldSelf === true;
    // Rules about a change are for values that were there before.
    if (usesOldSelf && old === undefined && !isOptional) return;
    const oldSelf = isOptional ? new CelOptional(old) : (old ?? null);
    const bindings = { self, oldSelf };
    const result = program.evaluate(bindings);
    if (!this.#charge(result.cost)) this.#stop(place, at, `validation failed due to ${outOfBudget}`);
    if (result.error) this.#explain(result.error, rule, place, at);
    else if (result.value !== true) this.#broken(compiled, place, subject, { self, oldSelf: old ?? null });
  }

  /** The rule itself could not be evaluated. */
  #explain({ message, kind }: CelError, rule: CompiledRule['rule'], place: RulePlace, at: string): void {
    const text = ruleText(rule);
    if (kind === 'cost') {
      this.#stop(
        place,
        at,
        `'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`,
      );
    }
    this.#failed(
      place,
      at,
      message.startsWith('no such overload')
        ? `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
        : `${message} evaluating rule: ${text}`,
    );
  }

  #broken(compiled: CompiledRule, place: RulePlace, subject: Subject, bindings: Record<string, CelValue>): void {
    const { rule, path, usesOldSelf } = compiled;
    const at = path ? (subject.at ? `${subject.at}.${path}` : path) : subject.at;
    const isTolerated = !usesOldSelf && isUnchanged(subject);
    const list = isTolerated ? this.tolerated : this.errors;
    const message = compiled.message && this.#message(compiled, bindings);
    if (message && 'stop' in message) {
      list.push({ reason: 'invalid', field: at, value: place.spine.type, detail: message.stop });
      throw new Stop();
    }
    const detail = message?.text ?? (rule.message ? rule.message.trim() : `failed rule: ${ruleText(rule)}`);
    list.push(findingOf(rule.reason ?? '', at, subject.value, detail));
  }

  #message({ message, rule }: CompiledRule, bindings: Record<string, CelValue>): { text?: string } | { stop: string } {
    const result = message!.evaluate(bindings);
    if (!this.#charge(result.cost)) return { stop: `messageExpression evaluation failed due to ${outOfBudget}` };
    if (result.error?.kind === 'cost') {
      const source = JSON.stringify(rule.messageExpression);
      return {
        stop: `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${source}`,
      };
    }
    const text = typeof result.value === 'string' ? result.value.trim() : '';
    const isUsable = text !== '' && Buffer.byteLength(text) <= maxMessageBytes && !text.includes('\n');
    return isUsable ? { text } : {};
  }
}

interface Subject {
  readonly at: string;
  readonly value: unknown;
  readonly self: CelValue;
  readonly old: CelValue | undefined;
  readonly ratchet: Ratchet;
}

const ruleText = ({ message, rule }: CompiledRule['rule']): string => (message || rule).trim();

function isUnchanged({ value, ratchet }: Subject): boolean {
  return ratchet.current ? isDeepStrictEqual(value, ratchet.current.value) : ratchet.isParentSame();
}

/** What ratchets a part: its own value before, or else all that is around it. */
function below(ratchet: Ratchet, parent: unknown, before: Before | undefined): Ratchet {
  if (!ratchet.current) return ratchet;
  let isSame: boolean | undefined;
  const was = ratchet.current.value;
  return {
    current: before,
    isParentSame: () => {
      isSame ??= isDeepStrictEqual(parent, was);
      return isSame;
    },
  };
}

function findingOf(reason: string, field: string, value: unknown, detail: string): SchemaError {
  const isWhole = typeof value === 'object';
  if (reason === 'FieldValueForbidden') return { reason: 'forbidden', field, detail };
  if (reason === 'FieldValueRequired') return { reason: 'required', field, detail };
  if (reason === 'FieldValueDuplicate') return { reason: 'duplicate', field, value: isWhole ? undefined : value };
  return isWhole ? { reason: 'whole', field, detail } : { reason: 'invalid', field, value, detail };
}

/** `before`: the object that this one replaces. */
export const evaluateRules = (object: unknown, node: SchemaNode, before?: unknown): RuleFindings =>
  inOnePiece(ruleSteps(object, node, before, () => {}));

/** The same in steps; `spent` is told before each what the rules have cost so far. */
export function* ruleSteps(
  object: unknown,
  node: SchemaNode,
  before: unknown,
  spent: (cost: number) => void,
): Steps<RuleFindings> {
  if (!node.hasRules) return { errors: [], tolerated: [] };
  const evaluation = new Evaluation();
  const was = before === undefined ? undefined : { value: before };
  evaluation.visit(object, rootPlace(node), '', was, { current: was, isParentSame: () => false });
  const rules = evaluation.rules();
  try {
    while (!rules.next().done) {
      spent(evaluation.cost);
      yield;
    }
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
  }
  return evaluation;
}
