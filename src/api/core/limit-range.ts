import type { LimitRange, LimitRangeItem } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { type Quantity, quantityOf } from '../meta/quantity.ts';
import { isOvercommitAllowed, validateContainerResourceName, validateResourceName } from '../meta/resource-names.ts';
import { roundResources } from './resource-defaults.ts';

/** What a container gets that asks for nothing follows from its bounds. */
function defaultItem(item: LimitRangeItem): void {
  for (const name of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const)
    roundResources(item[name]);
  if (item.type !== 'Container') return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length) item.default = limits;
  if (Object.keys(requests).length) item.defaultRequest = requests;
}

function validateType(type: string, at: FieldPath, errors: FieldErrors): void {
  const problems = qualifiedNameProblems(type);
  for (const problem of problems) errors.invalid(at, type, problem);
  if (problems.length || type.includes('/') || ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type)) return;
  errors.invalid(at, type, 'must be a standard limit type or fully qualified');
}

function validateNames(item: LimitRangeItem, at: FieldPath, errors: FieldErrors): void {
  const check = ['Pod', 'Container'].includes(item.type) ? validateContainerResourceName : validateResourceName;
  for (const field of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    const isDefault = field === 'default' || field === 'defaultRequest';
    if (isDefault && item.type === 'Pod') {
      if (Object.keys(item[field] ?? {}).length)
        errors.forbidden(at.child(field), "may not be specified when `type` is 'Pod'");
      continue;
    }
    if (field === 'maxLimitRequestRatio' && item.type === 'PersistentVolumeClaim') {
      if (!item.min?.['storage'] && !item.max?.['storage']) {
        errors.required(
          at.child('limits'),
          'either minimum or maximum storage value is required, but neither was provided',
        );
      }
    }
    for (const name of Object.keys(item[field] ?? {})) check(name, at.child(field).key(name), errors);
  }
}

/** The largest amount that Go counts in thousandths. */
const maxMilli = (2n ** 63n - 1n) / 1000n;
const roundUp = (amount: bigint, unit: bigint): bigint => (amount + unit - 1n) / unit;

/** One resource of an item: each bound must leave room for the next. */
function validateBounds(item: LimitRangeItem, name: string, at: FieldPath, errors: FieldErrors): void {
  const read = (list: Record<string, string> | undefined): Quantity | undefined =>
    list?.[name] === undefined ? undefined : quantityOf(list[name]);
  const min = read(item.min);
  const max = read(item.max);
  const limit = read(item.default);
  const request = read(item.defaultRequest);
  const ratio = read(item.maxLimitRequestRatio);
  const isMore = (a: Quantity | undefined, b: Quantity | undefined) => !!a && !!b && a.compare(b) > 0;
  const invalid = (field: string, value: Quantity, detail: string) =>
    errors.invalid(at.child(field).key(name), String(value), detail);

  if (isMore(min, max)) invalid('min', min!, `min value ${min} is greater than max value ${max}`);
  if (isMore(min, request))
    invalid('defaultRequest', request!, `min value ${min} is greater than default request value ${request}`);
  if (isMore(request, max))
    invalid('defaultRequest', request!, `default request value ${request} is greater than max value ${max}`);
  if (isMore(request, limit)) {
    invalid(
      'defaultRequest',
      request!,
      `default request value ${request} is greater than default limit value ${limit}`,
    );
  }
  if (isMore(min, limit)) invalid('default', min!, `min value ${min} is greater than default value ${limit}`);
  if (isMore(limit, max)) invalid('default', max!, `default value ${limit} is greater than max value ${max}`);
  if (ratio && ratio.nanos < 1_000_000_000n) invalid('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
  if (ratio && min && max) {
    // In thousandths, unless one is too large for that: then in whole units, rounded up.
    const isLarge = [ratio, max, min].some(({ nanos }) => nanos / 1_000_000n >= maxMilli);
    const amount = ({ nanos }: Quantity): number => Number(isLarge ? roundUp(nanos, 1_000_000_000n) : nanos);
    const largest = amount(max) / amount(min);
    if (amount(ratio) / (isLarge ? 1 : 1e9) > largest) {
      invalid('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${largest.toFixed(6)}`);
    }
  }
  if (!isOvercommitAllowed(name) && limit && request && limit.compare(request) !== 0) {
    invalid(
      'defaultRequest',
      request,
      `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
    );
  }
}

export const limitRangeKind: KindDefinition<LimitRange> = {
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  metadataLooks: ['object'],
  allowsCreateOnUpdate: true,
  defaults({ spec }) {
    for (const item of spec?.limits ?? []) defaultItem(item);
  },
  // One that nobody named is named like this, by upstream too.
  prepareForCreate({ metadata }) {
    if (!metadata.name && metadata.uid) metadata.name = metadata.uid;
  },
  validate({ spec }, errors) {
    const seen = new Set<string>();
    spec?.limits?.forEach((item, index) => {
      const at = path('spec', 'limits').index(index);
      validateType(item.type, at.child('type'), errors);
      if (seen.has(item.type)) errors.duplicate(at.child('type'), item.type);
      seen.add(item.type);
      validateNames(item, at, errors);
      // Pods have no defaults: those were refused, and are looked at no further.
      const bounds = item.type === 'Pod' ? { ...item, default: {}, defaultRequest: {} } : item;
      const { max, min, maxLimitRequestRatio, defaultRequest } = bounds;
      const names = Object.keys({ ...max, ...min, ...bounds.default, ...defaultRequest, ...maxLimitRequestRatio });
      for (const name of names.sort()) validateBounds(bounds, name, at, errors);
    });
  },
};
