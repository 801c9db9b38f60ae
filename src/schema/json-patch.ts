// JSON patch, RFC 6902, with upstream's readings of it: negative indexes count from the end, `replace` may add a member,
// `test` of null holds for what is absent, and the text before a path's first slash is ignored.
import { setKey } from './canonical-values.ts';
import type { JsonPatchOperation } from './patch-body.ts';
import { isObject, type JsonObject, PatchError } from './patch-error.ts';

/** What all copies of one patch may add, as upstream limits it. */
const maxCopiedBytes = 3 * 1024 * 1024;

/** Elements that all operations of one patch may move or compare. */
const maxWork = 10_000_000;

const absent = Symbol('absent');

const rejected = (problem: string): never => {
  throw new PatchError(422, problem);
};

function segmentsOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The index that `key` means in a list of `length`; for adding, one past the end is an index too. */
function indexOf(key: string, length: number, isAdding: boolean): number {
  if (isAdding && key === '-') return length;
  if (!/^[-+]?[0-9]{1,9}$/.test(key)) rejected(`value was not a proper array index: '${key}'`);
  const count = isAdding ? length + 1 : length;
  const index = Number(key);
  if (index >= count || index < -count) rejected(`Unable to access invalid index: ${index}: invalid index referenced`);
  return index < 0 ? index + count : index;
}

// Containers are copied on the way to the first change in them and then changed in place.
class Document {
  root: unknown;
  readonly #owned = new Set<object>();
  #copiedBytes = 0;
  #work = 0;

  constructor(root: unknown) {
    this.root = root;
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
    return copy;
  }

  #child(container: unknown, key: string): unknown {
    if (Array.isArray(container)) return container[indexOf(key, container.length, false)];
    if (isObject(container) && Object.hasOwn(container, key)) return container[key];
    return absent;
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
  findOrNull(path: string, what: string): unknown {
    const value = this.find(path);
    if (value !== absent) return value;
    const parent = this.find(path.slice(0, path.lastIndexOf('/')));
    return isObject(parent)
      ? null
      : rejected(`${what} operation does not apply: is missing path: ${path}: missing value`);
  }

  /** The container that holds the last segment, ready to be changed. */
  #parentOf(path: string, what: string): { parent: JsonObject | unknown[]; key: string } {
    const segments = segmentsOf(path);
    const missing = (): never =>
      rejected(`${what} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
    const key = segments.pop() ?? missing();
    if (typeof this.root !== 'object' || this.root === null) missing();
    let parent = this.#own(this.root as object) as JsonObject | unknown[];
    this.root = parent;
    for (const segment of segments) {
      const child = this.#child(parent, segment);
      if (typeof child !== 'object' || child === null) missing();
      const owned = this.#own(child as object) as JsonObject | unknown[];
      if (Array.isArray(parent)) parent[indexOf(segment, parent.length, false)] = owned;
      else setKey(parent, segment, owned);
      parent = owned;
    }
    return { parent, key };
  }

  add(path: string, value: unknown): void {
    const { parent, key } = this.#parentOf(path, 'add');
    if (Array.isArray(parent)) {
      this.spend(parent.length);
      parent.splice(indexOf(key, parent.length, true), 0, value);
    } else setKey(parent, key, value);
  }

  replace(path: string, value: unknown): void {
    if (path === '') {
      if (typeof value !== 'object' || value === null) rejected('replace operation value must be object or array');
      this.root = value;
      return;
    }
    const { parent, key } = this.#parentOf(path, 'replace');
    if (Array.isArray(parent)) parent[indexOf(key, parent.length, false)] = value;
    else setKey(parent, key, value);
  }

  remove(path: string, what = 'remove'): void {
    const { parent, key } = this.#parentOf(path, what);
    if (Array.isArray(parent)) {
      this.spend(parent.length);
      parent.splice(indexOf(key, parent.length, false), 1);
    } else {
      if (!Object.hasOwn(parent, key)) rejected(`Unable to remove nonexistent key: ${key}: missing value`);
      delete parent[key];
    }
  }

  /** A value to be put elsewhere; what it weighs counts against the patch. */
  copyOf(path: string): unknown {
    if (path === '') rejected('copy operation does not apply: doc is missing from path: : missing value');
    const value = this.findOrNull(path, 'copy');
    const text = JSON.stringify(value) ?? 'null';
    this.#copiedBytes += text.length;
    if (this.#copiedBytes > maxCopiedBytes) {
      rejected(
        `Unable to copy, the accumulated size increase of copy is ${this.#copiedBytes}, exceeding the limit ${maxCopiedBytes}`,
      );
    }
    return structuredClone(value);
  }

  test(path: string, expected: unknown): void {
    const actual = this.findOrNull(path, 'test');
    if (!isEqual(actual, expected ?? null, this)) rejected(`testing value ${path} failed: test failed`);
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
export function applyJsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const document = new Document(target);
  for (const { op, path, from, value, hasValue } of operations) {
    switch (op) {
      case 'add':
      case 'replace':
        // Each operation gets a value of its own: a later one may change it in place.
        document[op](path, hasValue ? value : null);
        break;
      case 'remove':
        document.remove(path);
        break;
      case 'move': {
        const moved = document.find(from);
        if (moved === absent)
          rejected(`move operation does not apply: doc is missing from path: ${JSON.stringify(from)}`);
        document.remove(from, 'move');
        document.add(path, moved);
        break;
      }
      case 'copy':
        document.add(path, document.copyOf(from));
        break;
      case 'test':
        document.test(path, value);
        break;
      default:
        rejected(`Unexpected kind: ${op || 'unknown'}`);
    }
  }
  return document.root;
}
