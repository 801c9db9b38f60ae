// Merges an applied object into the stored one: maps by key, associative lists by element, all else is replaced.
// Recursion is bounded by the depth limit that the objects were checked against.
import { setKey } from './canonical-values.ts';
import { storedElement } from './list-elements.ts';
import { type ListMergeType, type MapMergeType, type MergeType, typeAt } from './merge-type.ts';
import { granular } from './object-fields.ts';
import { isObject, type JsonObject } from './patch-error.ts';

function mergeValues(type: MergeType, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  if (live === undefined || live === null) return applied;
  const parts = granular(type, applied ?? live);
  if (!parts) return applied;
  // Saying null of a map or list is saying nothing of what is in it.
  if (applied === null) return live;
  if (parts.shape === 'map') return isObject(applied) && isObject(live) ? mergeMaps(parts, live, applied) : applied;
  if (!Array.isArray(applied) || !Array.isArray(live)) return applied;
  return mergeLists(parts, live, applied);
}

function mergeMaps(type: MapMergeType, live: JsonObject, applied: JsonObject): JsonObject {
  const result: JsonObject = { ...live };
  for (const key of Object.keys(applied)) {
    const inner = typeAt(type, key);
    const before = Object.hasOwn(live, key) ? live[key] : undefined;
    setKey(result, key, inner ? mergeValues(inner, before, applied[key]) : applied[key]);
  }
  return result;
}

interface Item {
  readonly element: string;
  readonly value: unknown;
}

/**
 * The applied order wins. Elements that only the stored list has stay behind the shared ones they follow: before each
 * shared element come those the stored list has in front of it.
 */
function mergeLists(type: ListMergeType, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const ours: Item[] = live.map((value) => ({ element: storedElement(type, value), value }));
  const theirs: Item[] = applied.map((value) => ({ element: storedElement(type, value), value }));
  const counts = new Map<string, number>();
  for (const { element } of ours) counts.set(element, (counts.get(element) ?? 0) + 1);
  const stored = new Map(ours.map(({ element, value }) => [element, value]));
  const wanted = new Set(theirs.map(({ element }) => element));
  const shared = theirs.filter(({ element }) => stored.has(element)).map(({ element }) => element);
  const merge = ({ element, value }: Item): unknown =>
    // Of duplicates in the stored list none is the one that is meant: what is applied replaces them.
    mergeValues(type.element, counts.get(element) === 1 ? stored.get(element) : undefined, value);
  const result: unknown[] = [];
  const done = new Set<string>();
  let left = 0;
  let right = 0;
  let nextShared = 0;
  while (left < ours.length || right < theirs.length) {
    const mine = ours[left];
    const applying = theirs[right];
    if (mine && !wanted.has(mine.element)) {
      result.push(mine.value);
      left++;
    } else if (mine && applying && mine.element === applying.element) {
      result.push(merge(applying));
      done.add(applying.element);
      left++;
      right++;
      nextShared++;
    } else if (
      mine &&
      (done.has(mine.element) || (applying && shared[nextShared] !== undefined && shared[nextShared] !== mine.element))
    ) {
      left++; // comes at its place in the applied order
    } else if (applying) {
      result.push(merge(applying));
      done.add(applying.element);
      right++;
      if (shared[nextShared] === applying.element) nextShared++;
    } else left++;
  }
  return result;
}

/** Neither object is changed; the result shares with both. */
export const mergeObjects = (type: MapMergeType, live: object, applied: object): JsonObject =>
  mergeMaps(type, live as JsonObject, applied as JsonObject);
