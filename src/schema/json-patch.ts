// JSON patch, RFC 6902, with upstream's readings of it: negative indexes count from the end, `replace` may add a member,
// `test` of null holds for what is absent, and the text before a path's first slash is ignored.
import { inOnePiece, type Steps } from '../base/turns.ts';
import { setKey } from './canonical-values.ts';
import { copyJson } from './copy-json.ts';
import type { JsonPatchOperation } from './patch-body.ts';
import { isObject, type JsonObject, PatchError } from './patch-error.ts';
import { openAll } from './patched-text.ts';

/** What all copies of one patch may add, as upstream limits it. */
const maxCopiedBytes = 3 * 1024 * 1024;

/** Says in which operation it went wrong. */
function within<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw new PatchError(error.code, `${where}: ${error.message}`);
  }
}

/** Elements that all operations of one patch may move or compare. */
const maxWork = 10_000_000;

const operationsInStep = 16;

const absent = Symbol('absent');

const rejected = (problem: string): never => {
  throw new PatchError(422, problem);
};

function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1);
  if (!path.includes('~')) return segments;
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The index that `key` means in a list of `length`; for adding, one past the end is an index too. */
function indexOf(key: string, length: number, isAdding: boolean): number {
  if (isAdding && key === '-') return length;
  if (!/^[-+]?[0-9]{1,9}$/.test(key)) {
    const problem = `strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`;
    rejected(isAdding ? `value was not a proper array index: '${key}': ${problem}` : problem);
  }
  const count = isAdding ? length + 1 : length;
  const index = Number(key);
  if (index >= count || index < -count) rejected(`Unable to access invalid index: ${index}: invalid index referenced`);
  return index < 0 ? index + count : index;
}

// Containers are copied on the way to the first change in them and then changed in place.
class Document {
  root: unknown;
  readonly #owned = new Set<object>();
  readonly #opened: Set<object>;
  #copiedBytes = 0;
  #work = 0;

  constructor(root: unknown, opened: Set<object>) {
    this.root = root;
    this.#opened = opened;
  }

  /** Counts work done, so that no patch keeps the server busy. */
  spend(work: number): void {
    this.#work += work;
    if (this.#work > maxWork) rejected('the patch takes too much work');
  }

  #own(value: object): object {
    if (this.#owned.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.#owned.add(copy);
    this.#opened.add(copy);
    return copy;
  }

  #child(container: unknown, key: string): unknown {
    if (typeof container === 'object' && container !== null) this.#opened.add(container);
    if (Array.isArray(container)) return container[indexOf(key, container.length, false)];
    if (isObject(container) && Object.hasOwn(container, key)) return container[key];
    return absent;
  }

  /** What is no index of a list leads nowhere. */
  #childOrAbsent(container: unknown, key: string): unknown {
    try {
      return this.#child(container, key);
    } catch (error) {
      if (error instanceof PatchError) return absent;
      throw error;
    }
  }

  find(path: string): unknown {
    let value: unknown = this.root;
    for (const segment of segmentsOf(path)) {
      value = this.#child(value, segment);
      if (value === absent) return absent;
    }
    return value;
  }

  /** Null for a missing member of an object that is there. */
  findOrNull(path: string, missing: string): unknown {
    const value = this.find(path);
    if (value !== absent) return value;
    const parent = this.find(path.slice(0, path.lastIndexOf('/')));
    return isObject(parent) ? null : rejected(`${missing}: missing value`);
  }

  /** The container that holds the last segment, ready to be changed. */
  #parentOf(path: string, problem: string): { parent: JsonObject | unknown[]; key: string } {
    const segments = segmentsOf(path);
    const missing = (): never => rejected(`${problem}: missing value`);
    const key = segments.pop() ?? missing();
    if (typeof this.root !== 'object' || this.root === null) missing();
    let parent = this.#own(this.root as object) as JsonObject | unknown[];
    this.root = parent;
    for (const segment of segments) {
      const child = this.#childOrAbsent(parent, segment);
      if (typeof child !== 'object' || child === null) missing();
      const owned = this.#own(child as object) as JsonObject | unknown[];
      if (Array.isArray(parent)) parent[indexOf(segment, parent.length, false)] = owned;
      else setKey(parent, segment, owned);
      parent = owned;
    }
    return { parent, key };
  }

  add(path: string, value: unknown): void {
    this.#put(
      path,
      value,
      `add operation does not apply: doc is missing path: "${path}"`,
      `error in add for path: '${path}'`,
    );
  }

  /** `missing`: what to say when the place has no container; `failed`: when it has, and does not take the value. */
  #put(path: string, value: unknown, missing: string, failed: string): void {
    const { parent, key } = this.#parentOf(path, missing);
    if (Array.isArray(parent)) {
      this.spend(parent.length);
      parent.splice(
        within(failed, () => indexOf(key, parent.length, true)),
        0,
        value,
      );
    } else setKey(parent, key, value);
  }

  replace(path: string, value: unknown): void {
    if (path === '') {
      if (typeof value !== 'object' || value === null) rejected('replace operation value must be object or array');
      this.root = value;
      return;
    }
    const problem = 'replace operation does not apply: doc is missing';
    const { parent, key } = this.#parentOf(path, `${problem} path: ${path}`);
    if (!Array.isArray(parent)) {
      setKey(parent, key, value);
      return;
    }
    if (this.#childOrAbsent(parent, key) === absent) rejected(`${problem} key: ${path}: missing value`);
    parent[indexOf(key, parent.length, false)] = value;
  }

  remove(path: string): void {
    const missing = `remove operation does not apply: doc is missing path: "${path}"`;
    this.#take(path, missing, `error in remove for path: '${path}'`);
  }

  #take(path: string, missing: string, failed: string): void {
    const { parent, key } = this.#parentOf(path, missing);
    if (Array.isArray(parent)) {
      this.spend(parent.length);
      parent.splice(
        within(failed, () => indexOf(key, parent.length, false)),
        1,
      );
    } else {
      if (!Object.hasOwn(parent, key)) rejected(`${failed}: Unable to remove nonexistent key: ${key}: missing value`);
      delete parent[key];
    }
  }

  move(from: string, path: string): void {
    const key = segmentsOf(from).at(-1) ?? '';
    const failed = `error in move for path: '${key}'`;
    const moved = within(failed, () => this.find(from));
    this.#take(from, `move operation does not apply: doc is missing from path: ${from}`, failed);
    const missing = `move operation does not apply: doc is missing destination path: ${path}`;
    this.#put(path, moved, missing, `error in move for path: '${path}'`);
  }

  copy(from: string, path: string): void {
    const missing = `copy operation does not apply: doc is missing destination path: ${path}`;
    this.#put(path, this.copyOf(from), missing, 'error while adding value during copy');
  }

  /** A value to be put elsewhere; what it weighs counts against the patch. */
  copyOf(path: string): unknown {
    if (path === '') rejected('copy operation does not apply: doc is missing from path: : missing value');
    const value = this.findOrNull(path, `copy operation does not apply: doc is missing from path: ${path}`);
    const text = JSON.stringify(value) ?? 'null';
    this.#copiedBytes += text.length;
    if (this.#copiedBytes > maxCopiedBytes) {
      rejected(
        `Unable to copy, the accumulated size increase of copy is ${this.#copiedBytes}, exceeding the limit ${maxCopiedBytes}`,
      );
    }
    return copyJson(value);
  }

  test(path: string, expected: unknown): void {
    const actual = this.findOrNull(path, `test operation does not apply: is missing path: ${path}`);
    if (!isEqual(actual, expected ?? null, this)) rejected(`testing value ${path} failed: test failed`);
    openAll(actual, this.#opened);
  }
}

/** Deep equality of JSON values; not recursive. */
function isEqual(left: unknown, right: unknown, work: { spend(work: number): void }): boolean {
  const stack: [unknown, unknown][] = [[left, right]];
  for (let pair = stack.pop(); pair; pair = stack.pop()) {
    const [a, b] = pair;
    if (a === b) continue;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
    if (Array.isArray(a) !== Array.isArray(b)) return false;
    const keys = Object.keys(a);
    work.spend(keys.length);
    if (keys.length !== Object.keys(b).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(b, key)) return false;
      stack.push([(a as JsonObject)[key], (b as JsonObject)[key]]);
    }
  }
  return true;
}

/** The patched document; `target` is not changed, and shares with the result what the patch does not touch. */
export const applyJsonPatch = (target: unknown, operations: readonly JsonPatchOperation[]): unknown =>
  inOnePiece(jsonPatchSteps(target, operations));

/**
 * The same with a step for each few operations, which may be many and each of them long. `opened` gets the containers of
 * the result that were looked into.
 */
export function* jsonPatchSteps(
  target: unknown,
  operations: readonly JsonPatchOperation[],
  opened = new Set<object>(),
): Steps<unknown> {
  const document = new Document(target, opened);
  for (const [index, { op, path, from, value, hasValue }] of operations.entries()) {
    if (index % operationsInStep === operationsInStep - 1) yield;
    switch (op) {
      case 'add':
      case 'replace':
        // Each operation gets a value of its own: a later one may change it in place.
        document[op](path, hasValue ? value : null);
        break;
      case 'remove':
        document.remove(path);
        break;
      case 'move':
        document.move(from, path);
        break;
      case 'copy':
        document.copy(from, path);
        break;
      case 'test':
        document.test(path, value);
        break;
      default:
        rejected(`Unexpected kind: ${op || 'unknown'}`);
    }
  }
  if (isObject(document.root)) opened.add(document.root);
  return document.root;
}
