// Every function that expressions may call, and every type they may name.
import { authorization } from './library/authorization.ts';
import { conversions } from './library/conversions.ts';
import { formats } from './library/formats.ts';
import { jsonPatch } from './library/json-patch.ts';
import { lists } from './library/lists.ts';
import { network } from './library/network.ts';
import { operators } from './library/operators.ts';
import { optionals } from './library/optionals.ts';
import { quantities } from './library/quantities.ts';
import { regexes } from './library/regexes.ts';
import { semver } from './library/semver.ts';
import { strings } from './library/strings.ts';
import { time } from './library/time.ts';
import { urls } from './library/urls.ts';
import { type CelFunction, declare, libraryType } from './overloads.ts';
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  nullType,
  opaqueType,
  stringType,
  timestampType,
  typeType,
  uintType,
} from './types.ts';

export const functions: ReadonlyMap<string, CelFunction> = declare(
  operators,
  conversions,
  strings,
  time,
  lists,
  optionals,
  regexes,
  urls,
  quantities,
  network,
  semver,
  formats,
  authorization,
);

export const patchFunctions: ReadonlyMap<string, CelFunction> = declare(jsonPatch);

/** Types that an expression may name: `type(x) == int`. */
export const typeNames: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['bool', boolType],
  ['bytes', bytesType],
  ['double', doubleType],
  ['int', intType],
  ['uint', uintType],
  ['string', stringType],
  ['list', listType(dynType)],
  ['map', mapType(dynType, dynType)],
  ['null_type', nullType],
  ['type', typeType(dynType)],
  ['optional_type', opaqueType('optional_type')],
  ['google.protobuf.Timestamp', timestampType],
  ['google.protobuf.Duration', durationType],
  ['net.IP', libraryType('net.IP')],
  ['net.CIDR', libraryType('net.CIDR')],
]);
