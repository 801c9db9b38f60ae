import type {
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  ResourceSlice,
  ResourceSliceSpec,
} from '../../../generated/resource-v1.ts';
import { validateNodeSelector } from '../core/affinity-validation.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, goQuote, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { byteLength, dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { checkImmutable, countGeneration, startGeneration } from '../meta/strategy.ts';
import { timeText } from '../meta/time.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validateBindingConditions } from './device-binding.ts';
import {
  validateDriverName,
  validateEach,
  validatePoolName,
  validateQualifiedName,
  validateUnique,
} from './device-names.ts';
import { validateTaint } from './device-taint.ts';

const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const;
const unsetOrTrue = 'must be either unset or set to true';
const maxTaints = 16;
const maxCounters = 32;
const maxCounterSets = 8;
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

const maxAttributes = 32;
const maxValueLength = 64;

function validateAttribute(attribute: DeviceAttribute, at: FieldPath, errors: FieldErrors): void {
  const { string: text, version } = attribute;
  if (text !== undefined && byteLength(text) > maxValueLength) errors.tooLong(at.child('string'), maxValueLength);
  if (version !== undefined) {
    if (!semver.test(version)) {
      errors.invalid(at.child('version'), version, 'must be a string compatible with semver.org spec 2.0.0');
    }
    if (byteLength(version) > maxValueLength) errors.tooLong(at.child('version'), maxValueLength);
  }
  const count = Object.keys(attribute).length;
  if (count === 1) return;
  const form = {
    IntValue: attribute.int ?? null,
    BoolValue: attribute.bool ?? null,
    StringValue: text ?? null,
    VersionValue: version ?? null,
    IntValues: null,
    BoolValues: null,
    StringValues: null,
    VersionValues: null,
  };
  errors.invalid(at, count ? form : '', 'exactly one value must be specified');
}

function validateDevices({ devices, perDeviceNodeSelection }: ResourceSliceSpec, errors: FieldErrors): void {
  const isDetailed = devices?.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length);
  const at = path('spec', 'devices');
  const nameOf = ({ name }: Device) => name;
  validateUnique(devices, isDetailed ? 64 : 128, at, errors, nameOf, (device, place) => {
    validateDevice(device, perDeviceNodeSelection === true, place, errors);
  });
}

function validateDevice(device: Device, hasOwnPlace: boolean, at: FieldPath, errors: FieldErrors): void {
  validateBy(dns1123LabelProblems, device.name ?? '', at.child('name'), errors);
  const attributes = Object.entries(device.attributes ?? {});
  const capacities = Object.entries(device.capacity ?? {});
  const total = attributes.length + capacities.length;
  if (total > maxAttributes) {
    const problem = `the total number of attributes and capacities must not exceed ${maxAttributes}`;
    errors.invalid(at, total, problem);
  }
  for (const [key, attribute] of attributes) {
    validateQualifiedName(key, at.child('attributes'), errors);
    validateAttribute(attribute, at.child('attributes').key(key), errors);
  }
  for (const [key, { requestPolicy }] of capacities) {
    const place = at.child('capacity').key(key);
    validateQualifiedName(key, at.child('capacity'), errors);
    if (requestPolicy && device.allowMultipleAllocations !== true) {
      errors.forbidden(place.child('requestPolicy'), 'allowMultipleAllocations must be true');
    }
  }
  validateEach(device.taints, maxTaints, at.child('taints'), errors, (taint, place) => {
    validateTaint(taint, place, errors);
  });
  const setOf = ({ counterSet }: DeviceCounterConsumption) => counterSet;
  validateUnique(device.consumesCounters, 2, at.child('consumesCounters'), errors, setOf, (consumption, place) => {
    validateCounters(consumption.counterSet, 'counterSet', consumption.counters, place, errors);
  });
  validateDevicePlace(device, hasOwnPlace, at, errors);
  validateBindingConditions(device, at, errors);
}

function validateCounters(
  name: string | undefined,
  nameField: string,
  counters: object | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (required(name, at.child(nameField), errors)) {
    validateBy(dns1123LabelProblems, name!, at.child(nameField), errors);
  }
  const keys = Object.keys(counters ?? {});
  const place = at.child('counters');
  if (!keys.length) errors.required(place);
  else if (keys.length > maxCounters) errors.tooMany(place, keys.length, maxCounters);
  else for (const key of keys) validateBy(dns1123LabelProblems, key, place, errors);
}

function validateDevicePlace(device: Device, hasOwnPlace: boolean, at: FieldPath, errors: FieldErrors): void {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!hasOwnPlace) {
    if (nodeName === undefined && !nodeSelector && allNodes === undefined) return;
    const problem =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    errors.invalid(at, null, problem);
    return;
  }
  if (nodeName === '') errors.invalid(at.child('nodeName'), nodeName, 'must not be empty');
  else if (nodeName !== undefined) validateBy(dns1123SubdomainProblems, nodeName, at.child('nodeName'), errors);
  if (nodeSelector) validateNodeSelector(nodeSelector, at.child('nodeSelector'), errors);
  if (allNodes === false) errors.invalid(at.child('allNodes'), false, unsetOrTrue);
  const set = places.slice(0, 3).filter((field) => device[field as keyof Device]);
  const choice =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (set.length === 0) errors.required(at, choice);
  else if (set.length > 1) errors.invalid(at, listOf(set), choice);
}

const listOf = (fields: readonly string[]) => `{${fields.map((field) => `\`${field}\``).join(', ')}}`;

function validatePlace(spec: ResourceSliceSpec, errors: FieldErrors): void {
  const at = path('spec');
  const { nodeName, nodeSelector } = spec;
  if (nodeName === '') {
    errors.invalid(at.child('nodeName'), nodeName, 'must be either unset or set to a non-empty string');
  } else if (nodeName !== undefined) validateBy(dns1123SubdomainProblems, nodeName, at.child('nodeName'), errors);
  if (nodeSelector) {
    const place = at.child('nodeSelector');
    validateNodeSelector(nodeSelector, place, errors);
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      const form = terms.map((term) => goForm('io.k8s.api.core.v1.NodeSelectorTerm', term));
      const shown = terms.length ? form : nodeSelector.nodeSelectorTerms;
      errors.invalid(place.child('nodeSelectorTerms'), shown, 'must have exactly one node selector term');
    }
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field] === false) errors.invalid(at.child(field), false, unsetOrTrue);
  }
  const set = places.filter((field) => spec[field]);
  const choice = `exactly one of ${places.map((field) => `\`${field}\``).join(', ')} is required`;
  if (set.length === 0) errors.required(at, choice);
  else if (set.length > 1) errors.invalid(at, listOf(set), `${choice}, but multiple fields are set`);
  if (spec.sharedCounters && spec.devices) {
    errors.invalid(at, '', 'only one of `sharedCounters` or `devices` is allowed');
  }
}

function validatePool({ pool }: ResourceSliceSpec, errors: FieldErrors): void {
  const at = path('spec', 'pool');
  validatePoolName(pool.name, at.child('name'), errors);
  const { resourceSliceCount = 0 } = pool;
  if (resourceSliceCount <= 0) {
    errors.invalid(at.child('resourceSliceCount'), Number(resourceSliceCount), 'must be greater than zero');
  }
  if (Number(pool.generation ?? 0) < 0) {
    errors.invalid(at.child('generation'), Number(pool.generation), 'must be greater than or equal to zero');
  }
}

function validateSpec(spec: ResourceSliceSpec, current: ResourceSliceSpec | undefined, errors: FieldErrors): void {
  validateDriverName(spec.driver, path('spec', 'driver'), errors);
  validatePool(spec, errors);
  if (current) {
    checkImmutable(errors, path('spec', 'pool', 'name'), spec.pool.name, current.pool.name);
    checkImmutable(errors, path('spec', 'driver'), spec.driver, current.driver);
    checkImmutable(errors, path('spec', 'nodeName'), spec.nodeName ?? null, current.nodeName ?? null);
  }
  validatePlace(spec, errors);
  validateDevices(spec, errors);
  const at = path('spec', 'sharedCounters');
  const nameOf = ({ name }: CounterSet) => name;
  validateUnique(spec.sharedCounters, maxCounterSets, at, errors, nameOf, ({ name, counters }, place) => {
    validateCounters(name, 'name', counters, place, errors);
  });
}

/** Attributes with several values are an alpha feature, which is off. */
function dropLists({ spec }: ResourceSlice): void {
  for (const device of spec?.devices ?? []) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {})) {
      delete attribute.bools;
      delete attribute.ints;
      delete attribute.strings;
      delete attribute.versions;
    }
  }
}

/** A taint lasts from when it is first said, unless it says itself since when. */
function dateTaints({ spec }: ResourceSlice, nowMs: number): void {
  for (const { taints } of spec?.devices ?? []) for (const taint of taints ?? []) taint.timeAdded ??= timeText(nowMs);
}

export const resourceSliceKind: KindDefinition<ResourceSlice> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  returnsDeletedObject: true,
  prepareForCreate(object, { nowMs }) {
    dropLists(object);
    dateTaints(object, nowMs);
    startGeneration(object);
  },
  prepareForUpdate(next, current, { nowMs }) {
    dateTaints(next, nowMs);
    countGeneration(next, current); // what is dropped is a change all the same
    dropLists(next);
  },
  validateCreate: ({ spec }, errors) => validateSpec(spec, undefined, errors),
  validateUpdate: ({ spec }, { spec: current }, errors) => validateSpec(spec, current, errors),
  warnings: ({ spec: { driver } }) =>
    driver !== driver.toLowerCase()
      ? [`spec.driver: driver names should be lowercase; ${goQuote(driver)} contains uppercase characters`]
      : [],
  columns: [
    nameColumn,
    {
      name: 'Node',
      type: 'string',
      description: 'The node that the devices are attached to',
      cell: ({ spec }) => spec.nodeName || (spec.allNodes ? '<all>' : '<selector>'),
    },
    { name: 'Driver', type: 'string', description: 'The driver of the devices', cell: ({ spec }) => spec.driver },
    {
      name: 'Pool',
      type: 'string',
      description: 'The pool that the slice is part of',
      cell: ({ spec }) => spec.pool.name,
    },
    ageColumn,
  ],
};
