// Gathers every field error of an object before one is thrown. Wording and causes as upstream's util/validation/field.
import type { StatusCause } from '../../../generated/meta-v1.ts';

const words = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
} as const;

export type FieldErrorReason = keyof typeof words;

export interface FieldError {
  readonly reason: FieldErrorReason;
  readonly field: string;
  /** Without the field: `Invalid value: "x": must be…`. */
  readonly body: string;
}

/**
 * A place in an object: `spec.containers[0].name`, `metadata.labels[app]`. Immutable; '' is the root. Its text is made when
 * there is an error to say it in: validation walks many places, and mostly there is none.
 */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  /** A number is an index. */
  readonly #last: string | number;
  readonly #isChild: boolean;

  constructor(last: string | number = '', parent?: FieldPath, isChild = false) {
    this.#last = last;
    this.#parent = parent;
    this.#isChild = isChild;
  }

  child(name: string, ...more: string[]): FieldPath {
    return new FieldPath(more.length === 0 ? name : [name, ...more].join('.'), this, true);
  }

  index(position: number): FieldPath {
    return new FieldPath(position, this);
  }

  key(name: string): FieldPath {
    return new FieldPath(`[${name}]`, this);
  }

  toString(): string {
    const places: FieldPath[] = [];
    for (let at: FieldPath | undefined = this; at; at = at.#parent) places.push(at);
    let text = '';
    for (const place of places.reverse()) {
      const last = typeof place.#last === 'number' ? `[${place.#last}]` : place.#last;
      text = place.#isChild && text ? `${text}.${last}` : text + last;
    }
    return text || '<nil>';
  }
}

/** `new FieldPath('spec')`, shorter. */
export function path(...names: string[]): FieldPath {
  return new FieldPath(names.join('.'));
}

/** A value as upstream prints it in an error: quoted strings, plain numbers, JSON of anything else. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return JSON.stringify(value).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** Go's %q for a string. */
export function goQuote(text: string): string {
  return JSON.stringify(text)
    .replace(/\\b/g, '\\b')
    .replace(/\u007f/g, '\\x7f')
    .replace(/\\u00([01][0-9a-f])/g, (_, hex) => (hex === '07' ? '\\a' : hex === '0b' ? '\\v' : `\\x${hex}`));
}

/** The list that validation functions append to. */
export class FieldErrors {
  readonly list: FieldError[] = [];

  get isEmpty(): boolean {
    return this.list.length === 0;
  }

  #add(reason: FieldErrorReason, at: FieldPath, value: string | undefined, detail: string): void {
    const parts: string[] = [words[reason]];
    if (value !== undefined) parts.push(value);
    if (detail) parts.push(detail);
    this.list.push({ reason, field: String(at), body: parts.join(': ') });
  }

  invalid(at: FieldPath, value: unknown, detail: string): void {
    this.#add('FieldValueInvalid', at, show(value), detail);
  }

  /** The value says nothing that the detail does not. */
  invalidWhole(at: FieldPath, detail: string): void {
    this.#add('FieldValueInvalid', at, undefined, detail);
  }

  typeInvalid(at: FieldPath, value: unknown, detail: string): void {
    this.#add('FieldValueTypeInvalid', at, show(value), detail);
  }

  required(at: FieldPath, detail = ''): void {
    this.#add('FieldValueRequired', at, undefined, detail);
  }

  duplicate(at: FieldPath, value: unknown): void {
    this.#add('FieldValueDuplicate', at, value === undefined ? undefined : show(value), '');
  }

  notFound(at: FieldPath, value: unknown, detail = ''): void {
    this.#add('FieldValueNotFound', at, show(value), detail);
  }

  forbidden(at: FieldPath, detail: string): void {
    this.#add('FieldValueForbidden', at, undefined, detail);
  }

  /** `supported` is printed in the order given: upstream sorts some sets, so sort where it does. */
  notSupported(at: FieldPath, value: unknown, supported: readonly string[]): void {
    const detail = supported.length ? `supported values: ${supported.map((each) => goQuote(each)).join(', ')}` : '';
    this.#add('FieldValueNotSupported', at, show(value), detail);
  }

  tooLong(at: FieldPath, maxBytes: number): void {
    this.#add('FieldValueTooLong', at, undefined, `may not be more than ${maxBytes} bytes`);
  }

  tooMany(at: FieldPath, actual: number, max: number): void {
    this.#add('FieldValueTooMany', at, String(actual), `must have at most ${max} items`);
  }

  internal(at: FieldPath, problem: string): void {
    this.#add('InternalError', at, undefined, problem);
  }

  append(other: FieldErrors): void {
    this.list.push(...other.list);
  }

  causes(): StatusCause[] {
    return this.list.map(({ reason, field, body }) => ({ reason, message: body, field }));
  }

  /** The text behind "is invalid: ": one error plainly, several in brackets, repeated ones once. */
  summary(): string {
    const texts = [...new Set(this.list.map(({ field, body }) => `${field}: ${body}`))];
    return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
  }
}
