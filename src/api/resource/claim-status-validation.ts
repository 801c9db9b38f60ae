// The status of a claim: what drivers and the scheduler write.
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../../../generated/resource-v1.ts';
import { validateNodeSelector } from '../core/affinity-validation.ts';
import { validateConditions } from '../meta/condition-validation.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { interfaceAddressProblems } from '../meta/ip-address.ts';
import { dns1123LabelProblems } from '../meta/names.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { requireSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validateBindingConditions } from './device-binding.ts';
import {
  validateDriverName,
  validateEach,
  validateOpaque,
  validatePoolName,
  validateUid,
  validateUnique,
} from './device-names.ts';
import {
  maxConfigurations,
  requestNamesOf,
  validateConfiguration,
  validateRequestReference,
  validateRequestReferences,
} from './device-request-validation.ts';

const at = path('status');
const maxReservations = 256;
const maxResults = 32;

interface DeviceReference {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly shareID?: string;
}

/** As upstream prints it. */
const idOf = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceReference) => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
});

export function validateClaimStatus(next: ResourceClaim, current: ResourceClaim, errors: FieldErrors): void {
  const status = next.status ?? {};
  const before = current.status ?? {};
  const uidOf = ({ uid }: ResourceClaimConsumerReference) => uid;
  validateUnique(status.reservedFor, maxReservations, at.child('reservedFor'), errors, uidOf, (reference, place) => {
    required(reference.resource, place.child('resource'), errors);
    required(reference.name, place.child('name'), errors);
    required(reference.uid, place.child('uid'), errors);
  });
  const allocated = new Set((status.allocation?.devices?.results ?? []).map((result) => JSON.stringify(idOf(result))));
  validateUnique(status.devices, Number.POSITIVE_INFINITY, at.child('devices'), errors, idOf, (device, place) => {
    validateDevice(device, allocated, place, errors);
  });
  validateReservations(next, current, errors);
  if (!status.allocation) return;
  const place = at.child('allocation');
  if (before.allocation) checkImmutable(errors, place, status.allocation, before.allocation);
  else validateAllocation(status.allocation, requestNamesOf(next.spec?.devices), place, errors);
}

function validateReservations(next: ResourceClaim, current: ResourceClaim, errors: FieldErrors): void {
  const { reservedFor = [], allocation } = next.status ?? {};
  if (!reservedFor.length) return;
  const place = at.child('reservedFor');
  if (!allocation) {
    errors.forbidden(place, 'may not be specified when `allocated` is not set');
    return;
  }
  const known = current.status?.reservedFor ?? [];
  const isNew = reservedFor.some((each) => !known.some((other) => isEqual(each, other)));
  if (next.metadata.deletionTimestamp && isNew) {
    errors.forbidden(
      place,
      'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
    );
  }
}

function validateDevice(
  status: AllocatedDeviceStatus,
  allocated: ReadonlySet<string>,
  place: FieldPath,
  errors: FieldErrors,
): void {
  validateDriverName(status.driver, place.child('driver'), errors);
  validatePoolName(status.pool, place.child('pool'), errors);
  validateBy(dns1123LabelProblems, status.device ?? '', place.child('device'), errors);
  if (status.shareID !== undefined) validateUid(status.shareID, place.child('shareID'), errors);
  const id = idOf(status);
  if (!allocated.has(JSON.stringify(id))) errors.invalid(place, id, 'must be an allocated device in the claim');
  const conditions = status.conditions ?? [];
  if (conditions.length > maxDeviceConditions) {
    errors.tooMany(place.child('conditions'), conditions.length, maxDeviceConditions);
  }
  validateConditions(conditions, place.child('conditions'), errors);
  if (status.data !== undefined && status.data !== null) {
    validateOpaque(status.data, place.child('data'), errors);
  }
  if (status.networkData) validateNetwork(status.networkData, place.child('networkData'), errors);
}

const maxDeviceConditions = 8;
const maxNameBytes = 256;
const maxHardwareBytes = 128;
const maxIps = 16;

function validateNetwork(network: NetworkDeviceData, at: FieldPath, errors: FieldErrors): void {
  const { interfaceName = '', hardwareAddress = '', ips = [] } = network;
  if (Buffer.byteLength(interfaceName) > maxNameBytes) errors.tooLong(at.child('interfaceName'), maxNameBytes);
  if (Buffer.byteLength(hardwareAddress) > maxHardwareBytes)
    errors.tooLong(at.child('hardwareAddress'), maxHardwareBytes);
  if (ips.length > maxIps) errors.tooMany(at.child('ips'), ips.length, maxIps);
  ips.forEach((text, index) => {
    const place = at.child('ips').index(index);
    for (const problem of interfaceAddressProblems(text)) errors.invalid(place, text, problem);
    if (ips.indexOf(text) !== index) errors.duplicate(place, text);
  });
}

function validateAllocation(
  { devices, nodeSelector }: AllocationResult,
  names: ReadonlySet<string>,
  place: FieldPath,
  errors: FieldErrors,
): void {
  const own = place.child('devices');
  validateEach(devices?.results, maxResults, own.child('results'), errors, (result, each) => {
    validateResult(result, names, each, errors);
  });
  validateEach(devices?.config, 2 * maxConfigurations, own.child('config'), errors, (config, each) => {
    validateAllocatedConfiguration(config, names, each, errors);
  });
  if (nodeSelector) validateNodeSelector(nodeSelector, place.child('nodeSelector'), errors);
}

function validateResult(
  result: DeviceRequestAllocationResult,
  names: ReadonlySet<string>,
  place: FieldPath,
  errors: FieldErrors,
): void {
  validateRequestReference(result.request ?? '', names, place.child('request'), errors);
  validateDriverName(result.driver, place.child('driver'), errors);
  validatePoolName(result.pool, place.child('pool'), errors);
  validateBy(dns1123LabelProblems, result.device ?? '', place.child('device'), errors);
  validateBindingConditions(result, place, errors);
  if (result.shareID !== undefined) validateUid(result.shareID, place.child('shareID'), errors);
}

function validateAllocatedConfiguration(
  config: DeviceAllocationConfiguration,
  names: ReadonlySet<string>,
  place: FieldPath,
  errors: FieldErrors,
): void {
  requireSupported(errors, place.child('source'), config.source, ['FromClaim', 'FromClass']);
  validateRequestReferences(config.requests, names, place.child('requests'), errors);
  validateConfiguration(config, place, errors);
}
