import type { DeviceAttribute, ResourceSlice, ResourceSliceSpec } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { checkImmutable, countGeneration, startGeneration } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const;
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

function validateAttribute(attribute: DeviceAttribute, at: FieldPath, errors: FieldErrors): void {
  const values = Object.keys(attribute);
  if (values.length !== 1) errors.invalid(at, '', 'exactly one value must be specified');
  const { version } = attribute;
  if (version !== undefined && !semver.test(version)) {
    errors.invalid(at.child('version'), version, 'must be a string compatible with semver.org spec 2.0.0');
  }
}

function validateDevices({ devices = [] }: ResourceSliceSpec, errors: FieldErrors): void {
  const at = path('spec', 'devices');
  if (devices.length > 128) errors.tooMany(at, devices.length, 128);
  devices.forEach(({ name, attributes }, index) => {
    const place = at.index(index);
    validateBy(dns1123LabelProblems, name, place.child('name'), errors);
    for (const [key, attribute] of Object.entries(attributes ?? {})) {
      validateAttribute(attribute, place.child('attributes').key(key), errors);
    }
    if (devices.findIndex((each) => each.name === name) !== index) errors.duplicate(place, name);
  });
}

function validatePlace(spec: ResourceSliceSpec, errors: FieldErrors): void {
  const set = places.filter((field) => spec[field] !== undefined && spec[field] !== false && spec[field] !== '');
  const choice = `exactly one of ${places.map((field) => `\`${field}\``).join(', ')} is required`;
  if (set.length === 0) errors.required(path('spec'), choice);
  else if (set.length > 1) {
    errors.invalid(
      path('spec'),
      `{${set.map((field) => `\`${field}\``).join(', ')}}`,
      `${choice}, but multiple fields are set`,
    );
  }
}

function validatePool({ pool }: ResourceSliceSpec, errors: FieldErrors): void {
  const at = path('spec', 'pool');
  required(pool.name, at.child('name'), errors);
  if (pool.resourceSliceCount <= 0) {
    errors.invalid(at.child('resourceSliceCount'), pool.resourceSliceCount, 'must be greater than zero');
  }
  if (Number(pool.generation) < 0) {
    errors.invalid(at.child('generation'), Number(pool.generation), 'must be greater than or equal to zero');
  }
}

export const resourceSliceKind: KindDefinition<ResourceSlice> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec }, errors) {
    if (required(spec.driver, path('spec', 'driver'), errors)) {
      validateBy(dns1123SubdomainProblems, spec.driver, path('spec', 'driver'), errors);
    }
    validatePool(spec, errors);
    validatePlace(spec, errors);
    validateDevices(spec, errors);
  },
  validateUpdate({ spec: next }, { spec: current }, errors) {
    checkImmutable(errors, path('spec', 'driver'), next.driver, current.driver);
    checkImmutable(errors, path('spec', 'pool', 'name'), next.pool.name, current.pool.name);
    checkImmutable(errors, path('spec', 'nodeName'), next.nodeName ?? null, current.nodeName ?? null);
  },
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
