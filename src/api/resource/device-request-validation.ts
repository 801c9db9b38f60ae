// What claims ask for.
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
} from '../../../generated/resource-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import {
  validateDriverName,
  validateEach,
  validateFullyQualifiedName,
  validateOpaque,
  validateUnique,
} from './device-names.ts';
import { validateSelectors } from './device-selector.ts';
import { defaultTolerations, validateToleration } from './device-taint.ts';

const maxRequests = 32;
const maxSubRequests = 8;
const maxConstraints = 32;
export const maxConfigurations = 32;

type Ask = ExactDeviceRequest | DeviceSubRequest;

function defaultAsk(ask: Ask): void {
  ask.allocationMode ??= 'ExactCount';
  if (ask.allocationMode === 'ExactCount') ask.count ||= 1;
  defaultTolerations(ask.tolerations);
}

export function defaultDevices(devices: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of devices?.requests ?? []) {
    if (exactly) defaultAsk(exactly);
    for (const ask of firstAvailable ?? []) defaultAsk(ask);
  }
}

function validateAsk(ask: Ask, at: FieldPath, errors: FieldErrors): void {
  const { deviceClassName, allocationMode, count, selectors, tolerations } = ask;
  if (required(deviceClassName, at.child('deviceClassName'), errors)) {
    validateBy(dns1123SubdomainProblems, deviceClassName, at.child('deviceClassName'), errors);
  }
  validateSelectors(selectors, at.child('selectors'), errors);
  checkSupported(errors, at.child('allocationMode'), allocationMode, ['All', 'ExactCount']);
  if (allocationMode === 'All' && count) {
    errors.invalid(at.child('count'), count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount' && (count ?? 0) <= 0) {
    errors.invalid(at.child('count'), count ?? 0, 'must be greater than zero');
  }
  tolerations?.forEach((toleration, index) => {
    validateToleration(toleration, at.child('tolerations').index(index), errors);
  });
}

function validateRequest({ name, exactly, firstAvailable }: DeviceRequest, at: FieldPath, errors: FieldErrors): void {
  validateBy(dns1123LabelProblems, name, at.child('name'), errors);
  const choice = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable?.length) errors.invalid(at, null, `${choice}, but multiple fields are set`);
  else if (exactly) validateAsk(exactly, at.child('exactly'), errors);
  else if (!firstAvailable?.length) errors.required(at, choice);
  else {
    const list = at.child('firstAvailable');
    validateUnique(firstAvailable, maxSubRequests, list, errors, nameOf, (ask, place) => {
      validateBy(dns1123LabelProblems, ask.name, place.child('name'), errors);
      validateAsk(ask, place, errors);
    });
  }
}

const nameOf = ({ name }: { readonly name: string }) => name;

interface Configuration {
  readonly opaque?: { readonly driver: string; readonly parameters?: unknown };
}

/** Parameters for one driver. */
export function validateConfiguration({ opaque }: Configuration, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('opaque');
  if (!opaque) {
    errors.required(place);
    return;
  }
  validateDriverName(opaque.driver, place.child('driver'), errors);
  validateOpaque(opaque.parameters, place.child('parameters'), errors);
}

/** The names that other parts of a claim call its requests by. */
export function requestNamesOf(devices: DeviceClaim | undefined): Set<string> {
  const names = new Set<string>();
  for (const { name, firstAvailable } of devices?.requests ?? []) {
    names.add(name);
    for (const ask of firstAvailable ?? []) names.add(`${name}/${ask.name}`);
  }
  return names;
}

export function validateRequestReference(
  name: string,
  names: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const problem =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const parts = name.split('/');
  if (parts.length <= 2) {
    for (const part of parts) validateBy(dns1123LabelProblems, part, at, errors);
    if (names.has(name)) return;
  }
  errors.invalid(at, name, problem);
}

export function validateRequestReferences(
  listed: readonly string[] | undefined,
  names: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const asItIs = (name: string) => name;
  validateUnique(listed, maxRequests, at, errors, asItIs, (name, place) => {
    validateRequestReference(name, names, place, errors);
  });
}

export function validateDevices(devices: DeviceClaim | undefined, at: FieldPath, errors: FieldErrors): void {
  validateUnique(devices?.requests, maxRequests, at.child('requests'), errors, nameOf, (request, place) => {
    validateRequest(request, place, errors);
  });
  const names = requestNamesOf(devices);
  validateEach(devices?.constraints, maxConstraints, at.child('constraints'), errors, (constraint, place) => {
    validateConstraint(constraint, names, place, errors);
  });
  validateEach(devices?.config, maxConfigurations, at.child('config'), errors, (config, place) => {
    validateRequestReferences(config.requests, names, place.child('requests'), errors);
    validateConfiguration(config, place, errors);
  });
}

function validateConstraint(
  { requests, matchAttribute, distinctAttribute }: DeviceConstraint,
  names: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  validateRequestReferences(requests, names, at.child('requests'), errors);
  if (matchAttribute !== undefined) {
    validateFullyQualifiedName(matchAttribute, at.child('matchAttribute'), errors);
  } else if (distinctAttribute !== undefined) {
    validateFullyQualifiedName(distinctAttribute, at.child('distinctAttribute'), errors);
  } else {
    // Upstream's wording, though none is set.
    const choice = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    errors.required(at, choice);
  }
}
