import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { Selector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';

const parsed = new WeakMap<LabelSelector, Selector | undefined>();

/** The selector of a cached object, parsed once; undefined for one that is missing or invalid: it selects nothing. */
export function cachedSelector(selector: LabelSelector | undefined): Selector | undefined {
  if (!selector) return undefined;
  if (!parsed.has(selector)) parsed.set(selector, parse(selector));
  return parsed.get(selector);
}

function parse(selector: LabelSelector): Selector | undefined {
  try {
    return selectorOf(selector);
  } catch {
    return undefined; // Stored before it was checked.
  }
}
