// Names and lists that the device kinds share.
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { byteLength, dns1123SubdomainProblems, identifierProblems } from '../meta/names.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const maxDriverLength = 63;
const maxPoolLength = 253;
const maxIdentifierLength = 32;

/** Upper case is fine in them. */
export function validateDriverName(name: string | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!required(name, at, errors)) return;
  if (byteLength(name!) > maxDriverLength) errors.tooLong(at, maxDriverLength);
  validateBy((text) => dns1123SubdomainProblems(text.toLowerCase()), name!, at, errors);
}

export function validatePoolName(name: string | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!required(name, at, errors)) return;
  if (byteLength(name!) > maxPoolLength) errors.tooLong(at, maxPoolLength);
  for (const part of name!.split('/')) validateBy(dns1123SubdomainProblems, part, at, errors);
}

function validateIdentifier(text: string, at: FieldPath, errors: FieldErrors): void {
  if (byteLength(text) > maxIdentifierLength) errors.tooLong(at, maxIdentifierLength);
  validateBy(identifierProblems, text, at, errors);
}

/** `name` or `domain/name`; upstream accepts anything with more slashes. */
export function validateQualifiedName(text: string, at: FieldPath, errors: FieldErrors): void {
  const parts = text.split('/');
  if (parts.length > 2) return;
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0]) validateDriverName(parts[0], at, errors);
    else errors.invalid(at, '', 'the domain must not be empty');
    if (!name) {
      errors.invalid(at, '', 'the name must not be empty');
      return;
    }
  }
  validateIdentifier(name, at, errors);
}

export function validateFullyQualifiedName(text: string, at: FieldPath, errors: FieldErrors): void {
  validateQualifiedName(text, at, errors);
  if (!text.includes('/')) {
    errors.invalid(at, text, 'a fully qualified name must be a domain and a name separated by a slash');
  }
}

/** A list that is too long is not looked into. */
export function validateEach<T>(
  list: readonly T[] | null | undefined,
  max: number,
  at: FieldPath,
  errors: FieldErrors,
  validate: (item: T, at: FieldPath) => void,
): void {
  if (!list) return;
  if (list.length > max) {
    errors.tooMany(at, list.length, max);
    return;
  }
  list.forEach((item, index) => {
    validate(item, at.index(index));
  });
}

/** Like `validateEach`, and no two may have the same key. */
export function validateUnique<T>(
  list: readonly T[] | null | undefined,
  max: number,
  at: FieldPath,
  errors: FieldErrors,
  keyOf: (item: T) => unknown,
  validate: (item: T, at: FieldPath) => void,
): void {
  if (!list) return;
  validateEach(list, max, at, errors, validate);
  if (list.length > max) return;
  const seen = new Set<string>();
  list.forEach((item, index) => {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) errors.duplicate(at.index(index), key);
    seen.add(text);
  });
}

/** Lower case, with dashes. */
export function validateUid(uid: string, at: FieldPath, errors: FieldErrors): void {
  const hex = uid.replaceAll('-', '');
  if (![32, 36, 38, 45].includes(uid.length)) {
    errors.invalid(at, uid, `error validating uid: invalid UUID length: ${byteLength(uid)}`);
  } else if (hex.length !== 32 || !/^[0-9a-fA-F]+$/.test(hex)) {
    errors.invalid(at, uid, 'error validating uid: invalid UUID format');
  } else if (uid.length !== 36 || uid !== uid.toLowerCase()) {
    const form = '`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';
    errors.invalid(at, uid, `uid must be in RFC 4122 normalized form, ${form}`);
  }
}

/** Parameters and data of drivers: a JSON object. */
export function validateOpaque(value: unknown, at: FieldPath, errors: FieldErrors): void {
  if (value === undefined || value === null) errors.required(at);
  else if (byteLength(JSON.stringify(value)) > maxOpaqueLength) errors.tooLong(at, maxOpaqueLength);
  else if (typeof value !== 'object' || Array.isArray(value)) {
    errors.invalid(at, '<value omitted>', 'must be a valid JSON object');
  }
}

const maxOpaqueLength = 10 * 1024;
